"""docs/add-a-module.md, followed in a copy of the project: all code, all commands and their output."""

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
    """Return the code blocks of a page: the paragraph before each, its language and its text."""
    return [
        (text[: block.start()].rstrip().rpartition("\n\n")[2], block[1], block[2])
        for block in FENCE.finditer(text)
    ]


class Reader:
    """Follows the page in a copy of the project."""

    def __init__(self, folder):
        self.copy = Copy(folder / "copy")
        self.copy.commit()
        self.before = self.copy.files()
        self.runs = folder / "run"
        self.run = None

    def follow(self, paragraph, language, text):
        if language == "python":
            self.write(self.copy.folder / re.findall(r"`([\w/.]+\.\w+)`", paragraph)[-1], text)
        elif language == "yaml":
            self.deploy(text)
        else:
            for command, expected in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
                self.type(command, expected)

    def write(self, file, text):
        """Write a whole file, replace a view, or add an import."""
        if text.startswith('"""'):
            file.write_text(text)
        elif text.startswith("@"):
            content = file.read_text()
            file.write_text(content[: content.index(text.splitlines()[0])] + text)
        else:
            self.added = file, file.read_text()
            docstring, rest = file.read_text().split("\n\n", 1)
            assert rest.count("from news.service") == 1
            file.write_text(f"{docstring}\n\n{rest.replace('from news.service', f'{text}from news.service')}")

    def deploy(self, text):
        """Add variables or statements before the first ones of the module."""
        file = self.copy.folder / "template.yaml"
        before, section = file.read_text().split("the search module\n")
        anchor = "              - Sid: Logs\n" if "Sid:" in text else "          REDIS_URL:"
        file.write_text(f"{before}the search module\n{section.replace(anchor, text + anchor, 1)}")

    def type(self, command, expected):
        if command == "make run":
            self.run = LocalRun(self.runs, root=self.copy.folder)
            output = self.run.wait_until_up()
        else:
            local = command.replace("127.0.0.1:8000", self.run.bind if self.run else "")
            code, output = self.copy.run("sh", "-c", local)
            fails = "Illegal" in expected
            assert (code != 0) == fails, output
            if fails:  # "Remove the import."
                self.added[0].write_text(self.added[1])
        output = self.without_ids(output.replace(self.run.bind, "127.0.0.1:8000") if self.run else output)
        for line in self.without_ids(expected).splitlines():
            assert line in output

    def without_ids(self, text):
        return re.sub(r'"request_id":"[^"]*"', "", text)

    def close(self):
        if self.run:
            self.run.stop(signal.SIGTERM)


@pytest.fixture
def reader(tmp_path):
    reader = Reader(tmp_path)
    yield reader
    reader.close()


@pytest.mark.skipif((ROOT / "search").exists(), reason="the project has a module search already")
def test_the_tutorial_works_as_written(reader):
    *steps, last = blocks(PAGE.read_text())
    assert {language for _, language, _ in steps} == {"console", "python", "yaml"}
    for step in steps:
        reader.follow(*step)
    for check in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
        code, output = reader.copy.python("ruff", *check)
        assert code == 0, output
    resources = Project(reader.copy.folder).template()["Resources"]
    assert "NEWS_TABLE" in resources["SearchFunction"]["Properties"]["Environment"]["Variables"]
    [policy] = resources["SearchRole"]["Properties"]["Policies"]
    assert "News" in [statement.get("Sid") for statement in policy["PolicyDocument"]["Statement"]]
    reader.follow(*last)
    assert reader.copy.files() == reader.before
