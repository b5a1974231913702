"""`make rename-project NAME=my-service`: give the project its own name, once.

Deployed names and titles get the new name. The module `news` keeps its name.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.scaffold.file_edits import (
    ROOT,
    EditError,
    replace_text,
    require_clean_tree,
    undo_hint,
    write_files,
)

TEMPLATE_NAME = "news"
NAME_PATTERN = r"[a-z](-?[a-z0-9]){1,22}"
"""The name of a cache, `<project>-<stage>`, has 40 characters at most.
https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateServerlessCache.html"""

PLACES = {
    ".github/workflows/deploy-stage.yml": ["deploy-{}-", '"{}-$STAGE"'],
    ".github/workflows/preview.yml": ["deploy-{}-"],
    ".github/workflows/rollback.yml": ["deploy-{}-", '"{}-$STAGE"'],
    "bootstrap.yaml": ["'{}: ", "{}-${{Environment}}", "{}-${{Stage}}", "{}/${{Stage}}", "with {}-,"],
    "pyproject.toml": ['name = "{}"\nversion'],
    "openapi.json": ['"title": "{}",'],
    "docs/openapi-released.json": ['"title": "{}",'],
    "README.md": ["# {}\n"],
    "docs/deployer-policy.json": ["{}-*"],
    "docs/deployer-policy.md": ["`{}-`", "{}-deployer"],
    "docs/observability.md": ["`{}-<stage>`", "/{}-<stage>-api", "{1}_request", "`{1}_..."],
    "package.json": ['"name": "{}",'],
    "package-lock.json": ['"name": "{}",'],
    "samconfig.toml": ['"{}-dev"'],
    "docs/deployment.md": ["{}-prod"],
    "docs/existing-resources.md": ["{{{}:<stage>:*"],
    "docs/first-hour-on-aws.md": ["{}-trial"],
    "docs/pipeline.md": [
        "deploy-{}-",
        "bootstrap-{}-",
        "{}-pr-<",
        "`{}-<stage>",
        "{}/<stage>/*",
        "with `{}-`",
    ],
    "docs/runbook.md": ["{}-<stage>"],
    "shared/observability/metrics.py": ['NAMESPACE = "{}"'],
    "shared/constants.py": ['USER_AGENT = "{}/'],
    "serverless.yml": ["service: {}\n", "{}-${{sls:stage}}"],
    "template.yaml": ["Description: '{}: ", "{}-${{Stage}}", "{{{}:${{Stage}}:"],
}
"""Texts that contain the name, by file: {} is the name, {1} its form in Prometheus, with _ for each dash."""


def rename(name: str, root: Path) -> list[str]:
    """Give the project a name, and return the files that changed.

    Raises:
        EditError: the name is invalid, the project has been renamed before, a file does not contain the name
            where it should, or git could not undo the change.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise EditError(
            f"{name!r} is not a valid name: "
            "use 2 to 23 lowercase letters, digits and single dashes, such as my-service"
        )
    current = tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"]
    if current != TEMPLATE_NAME:
        raise EditError(f"the project has already been renamed, to {current}")
    if name == TEMPLATE_NAME:
        raise EditError(f"the project is already called {name!r}")
    require_clean_tree(root)
    files = {root / file: _renamed(root / file, places, name) for file, places in PLACES.items()}
    # A comment in each lock file names the project.
    for lock in (root / "requirements.txt", *root.glob("requirements/*.txt")):
        files[lock] = lock.read_text().replace(f"{TEMPLATE_NAME} (pyproject.toml", f"{name} (pyproject.toml")
    write_files(files)
    return [str(path.relative_to(root)) for path in files]


def _renamed(file: Path, places: list[str], name: str) -> str:
    text = file.read_text()
    for place in places:
        old, new = (place.format(form, form.replace("-", "_")) for form in (TEMPLATE_NAME, name))
        text = replace_text(text, old, new, file.name)
    return text


def main(argv: Sequence[str] | None = None) -> None:
    """Rename the project, and print what is left to do and how to undo it."""
    parser = argparse.ArgumentParser(prog="make rename-project", usage="make rename-project NAME=my-service")
    parser.add_argument("name")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the project")
    arguments = parser.parse_args(argv)
    name, root = arguments.name, arguments.root
    try:
        files = rename(name, root)
    except EditError as error:
        sys.exit(f"rename-project: {error}")
    print(f"rename-project: the project is called {name} now, in {', '.join(files)}")
    print("rename-project: edit by hand: description in pyproject.toml, README.md, LICENSE, CHANGELOG.md")
    print("rename-project: next: git diff, make test; make module NAME=... adds a module beside news")
    print(f"rename-project: {undo_hint(root)}")


if __name__ == "__main__":
    main()
