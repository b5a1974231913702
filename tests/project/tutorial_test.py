"""docs/add-a-module.md, done as it says in a copy of the project: all code, all commands, their output."""

import re
import signal

import pytest

from deploy.project import Project
from support.environment import ROOT
from support.local_run import LocalRun
from support.project_copy import Copy

PAGE = ROOT / "docs" / "add-a-module.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """Each piece: the paragraph before it, its kind, and what is in it."""
    return [
        (text[: found.start()].rstrip().rpartition("\n\n")[2], found[1], found[2])
        for found in FENCE.finditer(text)
    ]


class Reader:
    """Does what a reader of the page would."""

    def __init__(self, folder):
        self.copy = Copy(folder / "copy")
        self.copy.commit()
        self.before = self.copy.files()
        self.runs = folder / "run"
        self.run = None

    def do(self, paragraph, kind, text):
        if kind == "python":
            self.write(self.copy.folder / re.findall(r"`([\w/.]+\.\w+)`", paragraph)[-1], text)
        elif kind == "yaml":
            self.deploy(text)
        else:
            for command, expected in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
                self.type(command, expected)

    def write(self, file, text):
        """A whole file, or what a view becomes, or a line to be added at the top."""
        if text.startswith('"""'):
            file.write_text(text)
        elif text.startswith("@"):
            there = file.read_text()
            file.write_text(there[: there.index(text.splitlines()[0])] + text)
        else:
            self.added = file, file.read_text()
            docstring, rest = file.read_text().split("\n\n", 1)
            assert rest.count("from news.service") == 1
            file.write_text(f"{docstring}\n\n{rest.replace('from news.service', f'{text}from news.service')}")

    def deploy(self, text):
        """Variables and rights go behind those of their kind that the module has."""
        file = self.copy.folder / "template.yaml"
        before, section = file.read_text().split("the search module\n")
        anchor = "              - Sid: Logs\n" if "Sid:" in text else "          REDIS_URL:"
        file.write_text(f"{before}the search module\n{section.replace(anchor, text + anchor, 1)}")

    def type(self, command, expected):
        if command == "make run":
            self.run = LocalRun(self.runs, root=self.copy.folder, COVERAGE_PROCESS_CONFIG="")
            said = "".join(self.run.wait_until_up())
        else:
            here = command.replace("127.0.0.1:8000", self.run.bind if self.run else "")
            code, said = self.copy.run("sh", "-c", here)
            wrong = "Illegal" in expected
            assert (code != 0) == wrong, said
            if wrong:  # "So take the line out again."
                self.added[0].write_text(self.added[1])
        said = self.without_ids(said.replace(self.run.bind, "127.0.0.1:8000") if self.run else said)
        for line in self.without_ids(expected).splitlines():
            assert line in said

    def without_ids(self, text):
        return re.sub(r'"request_id":"[^"]*"', "", text)

    def close(self):
        if self.run:
            self.run.stop(signal.SIGTERM)


@pytest.fixture
def reader(tmp_path):
    made = Reader(tmp_path)
    yield made
    made.close()


@pytest.mark.skipif((ROOT / "search").exists(), reason="the project has a module search already")
def test_who_does_as_the_page_says_gets_what_it_says(reader):
    *steps, last = blocks(PAGE.read_text())
    assert {kind for _, kind, _ in steps} == {"console", "python", "yaml"}
    for step in steps:
        reader.do(*step)
    for check in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
        code, said = reader.copy.python("ruff", *check)
        assert code == 0, said
    resources = Project(reader.copy.folder).template()["Resources"]
    assert "NEWS_TABLE" in resources["SearchFunction"]["Properties"]["Environment"]["Variables"]
    [policy] = resources["SearchRole"]["Properties"]["Policies"]
    assert "News" in [each.get("Sid") for each in policy["PolicyDocument"]["Statement"]]
    reader.do(*last)
    assert reader.copy.files() == reader.before
