"""`make rename-project NAME=my-service`: give the project its own name, once.

The module `news` stays, as a sample. Names that are deployed begin with the project's name, and so does what
tells people what this is.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.scaffold.file_edits import ROOT, EditError, replaced, write_all

TEMPLATE = "news"
NAME = r"[a-z](-?[a-z0-9]){1,22}"
"""A cache's name, the project's and the stage's with a dash between, has 40 characters at most.
https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateServerlessCache.html"""

PLACES = {
    "pyproject.toml": ['name = "{}"\nversion'],
    "openapi.json": ['"title": "{}",'],
    "docs/openapi-released.json": ['"title": "{}",'],
    "README.md": ["# {}\n"],
    "docs/observability.md": ["`{}-<stage>`", "{1}_request", "`{1}_..."],
    "Makefile": ['"{}-$${{STAGE'],
    "package.json": ['"name": "{}",'],
    "package-lock.json": ['"name": "{}",'],
    "samconfig.toml": ['"{}-dev"', '"{}-prod"'],
    "docs/runbook.md": ["{}-<stage>"],
    "shared/observability/metrics.py": ['NAMESPACE = "{}"'],
    "shared/constants.py": ['USER_AGENT = "{}/'],
    "serverless.yml": ["service: {}\n", "{}-${{sls:stage}}"],
    "template.yaml": ["Description: '{}: ", "{}-${{Stage}}"],
}
"""Where the name is, with what stands around it; {1} is the name as Prometheus writes it, without dashes."""


def rename(name: str, root: Path) -> list[str]:
    """Give the project a name, and return the files that were changed.

    Raises:
        EditError: it can't be its name, or it has one already; nothing is changed.
    """
    if not re.fullmatch(NAME, name):
        raise EditError(
            f"{name!r} is no name: 2 to 23 small letters and digits, with single dashes, as my-service"
        )
    current = tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"]
    if current != TEMPLATE:
        raise EditError(f"the project has its name already, {current}: it is given once")
    if name == TEMPLATE:
        raise EditError(f"{name!r} is what it is called now")
    changed: dict[Path, str | None] = {}
    for file, places in PLACES.items():
        changed[root / file] = _renamed(root / file, places, name)
    for lock in sorted(root.glob("requirements*.txt")):  # which name whom they are for
        changed[lock] = lock.read_text().replace(f"{TEMPLATE} (pyproject.toml", f"{name} (pyproject.toml")
    write_all(changed)
    return [str(path.relative_to(root)) for path in changed]


def _renamed(file: Path, places: list[str], name: str) -> str:
    text = file.read_text()
    for place in places:
        old, new = (place.format(each, each.replace("-", "_")) for each in (TEMPLATE, name))
        text = replaced(text, old, new, file.name)
    return text


def main(argv: Sequence[str] | None = None) -> None:
    """Rename, and say what is left to do."""
    parser = argparse.ArgumentParser(prog="make rename-project", usage="make rename-project NAME=my-service")
    parser.add_argument("name")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    arguments = parser.parse_args(argv)
    name = arguments.name
    try:
        files = rename(name, arguments.root)
    except EditError as error:
        sys.exit(f"init: {error}")
    print(f"init: this is {name} now, in {', '.join(files)}")
    print(
        "init: yours to say: description in pyproject.toml, the beginning of README.md, LICENSE, CHANGELOG.md"
    )
    print("init: next: git diff, make test; make module NAME=... adds a module beside the sample, news")


if __name__ == "__main__":
    main()
