"""Links in every *.md file: relative targets and anchors exist. `make lint` runs this file."""

import re
import subprocess
from pathlib import Path

import pytest

from support.environment import ROOT

CODE = re.compile(r"^```.*?^```$|^ {4,}[^\n]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
FENCED_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def pages():
    """Return the Markdown files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return [name for name in listed if (ROOT / name).exists()] or [
        str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    ]


def anchors(text):
    """Return the anchors that GitHub gives to the headings of a page."""
    found = set()
    for heading in HEADING.findall(FENCED_CODE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        names = [slug, *(f"{slug}-{number}" for number in range(1, 10))]
        found.add(next(name for name in names if name not in found))
    return found


def broken_links(file):
    """Return the links of a page that lead nowhere."""
    broken = []
    for link in LINK.findall(CODE.sub("", file.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = file.parent / path if path else file
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", pages())
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    assert broken_links(ROOT / page) == []


def test_every_page_of_docs_is_linked_from_the_readme():
    linked = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} - linked == set()


def test_a_broken_link_and_a_broken_anchor_are_found(tmp_path):
    Path(tmp_path, "there.md").write_text("# A page, with `code`\n\n## Twice\n\n## Twice\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#a-page-with-code) [c](there.md#twice-1) [d](https://example.com)\n"
        "    [h](absent.md)\n"
        "[e](absent.md) [f](there.md#absent) [g](#absent) `[h](absent.md)`\n"
    )
    assert broken_links(page) == ["absent.md", "there.md#absent", "#absent"]
