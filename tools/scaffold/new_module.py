"""`make module NAME=search`: a module that works at once; `make module-remove` takes it out again.

What it is made of is in tools/scaffold; what deployment files and rules say of it is what they say of the
sample module (module_deploy.py, module_rules.py). All of it is written, or nothing.
"""

import argparse
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.scaffold import deploy_files as deploy
from tools.scaffold import project_files as rules
from tools.scaffold.file_edits import ROOT, EditError, written
from tools.scaffold.names import SAMPLE, Names, check

SCAFFOLD = Path(__file__).parent / "templates"


def add(names: Names, root: Path) -> None:
    """Write a module into the project in a folder.

    Raises:
        EditError: it can't be called so, or something isn't as it was; nothing is changed.
    """
    check(names.module, root)
    files: dict[Path, str | None] = dict(made(names, root))
    template = deploy.added_to_template(_read(root, "template.yaml"), names)
    files |= {
        root / "template.yaml": template,
        root / "serverless.yml": deploy.added_to_serverless(_read(root, "serverless.yml"), template, names),
        root / "pyproject.toml": rules.added_to_project(_read(root, "pyproject.toml"), names),
    }
    for file in rules.LINES:
        text = rules.added_lines(file, _read(root, file), names)
        files[root / file] = _sorted(text, names, root) if file.endswith(".py") else text
    _write(files, root)


def remove(names: Names, root: Path) -> None:
    """Take a module out again.

    Raises:
        EditError: there is none, or something isn't as it was; nothing is changed.
    """
    template = _read(root, "template.yaml")
    files: dict[Path, str | None] = dict.fromkeys(own_files(names, root))
    files |= {
        root / "template.yaml": deploy.removed_from_template(template, names),
        root / "serverless.yml": deploy.removed_from_serverless(
            _read(root, "serverless.yml"), template, names
        ),
        root / "pyproject.toml": rules.removed_from_project(_read(root, "pyproject.toml"), names),
    }
    for file in rules.LINES:
        files[root / file] = rules.removed_lines(file, _read(root, file), names)
    _write(files, root)
    shutil.rmtree(root / names.module, ignore_errors=True)  # what Python has compiled there


def made(names: Names, root: Path) -> dict[Path, str]:
    """The module's own files, as they are when it is new."""
    name = names.module
    folder = SCAFFOLD / ("table" if names.has_table else "plain")
    places = {
        "operations.py.txt": root / "tools" / "openapi" / f"operations_{name}.py",
        "cases.py.txt": root / "tests" / "support" / f"{name}_cases.py",
        "test.py.txt": root / "tests" / f"{name}_test.py",
    }
    sources = {file: places.get(file.name, root / name / file.stem) for file in sorted(folder.iterdir())}
    texts = {place: _filled(file.read_text(), names) for file, place in sources.items()}
    for file in (f"{SAMPLE}/__init__.py", f"functions/{SAMPLE}.py"):
        texts[root / names.of(file)] = names.of(_read(root, file))
    return {place: _sorted(text, names, root) for place, text in texts.items()}


def own_files(names: Names, root: Path) -> list[Path]:
    """The module's own files that are there, whatever has become of them."""
    files = [path for path in made(names, root) if path.exists()]
    folder = root / names.module
    return files + [path for path in folder.rglob("*") if path.is_file() and path not in files]


def _filled(text: str, names: Names) -> str:
    return text.replace("sample", names.module).replace("Sample", names.title)


def _sorted(text: str, names: Names, root: Path) -> str:
    """A file of Python as `make lint` wants it, whatever the name has done to the order of its imports."""
    known = f"lint.isort.known-first-party=['{names.module}']"
    for command in (("check", "--quiet", "--fix", "--select", "I", "--config", known), ("format", "--quiet")):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", "functions/x.py", "-"],
            cwd=root,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise EditError(f"ruff failed: {ran.stderr.strip().splitlines()[-1]}")
        text = ran.stdout
    return text


def _read(root: Path, file: str) -> str:
    return (root / file).read_text()


def _write(files: dict[Path, str | None], root: Path) -> None:
    """Write all, and the contract after them, since it is made from the code."""
    contract = root / "openapi.json"
    with written(files | {contract: contract.read_text()}):
        ran = subprocess.run(
            [sys.executable, "-m", "tools.openapi.generator"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise EditError(f"the contract can't be made: {ran.stderr.strip().splitlines()[-1]}")


def _names(name: str, root: Path, *, has_table: bool) -> Names:
    return Names(name, has_table, tomllib.loads(_read(root, "pyproject.toml"))["project"]["name"])


def _guard(names: Names, root: Path) -> None:
    """See that what is taken out can be had again: it is as it was made, or committed.

    Raises:
        EditError: it isn't.
    """
    new = made(names, root)
    changed = [path for path in own_files(names, root) if "__pycache__" not in path.parts]
    changed = [path for path in changed if new.get(path) != path.read_text()]
    if not changed:
        return
    status = ["git", "status", "--porcelain", "--", *map(str, changed)]
    ran = subprocess.run(status, cwd=root, capture_output=True, text=True, check=False)
    if ran.returncode or ran.stdout:
        names_of = ", ".join(str(path.relative_to(root)) for path in changed)
        raise EditError(f"{names_of}: changed, and not committed; FORCE=yes takes them out all the same")


def main(argv: Sequence[str] | None = None) -> None:
    """Add or remove one, and say what is next."""
    parser = argparse.ArgumentParser(prog="make module", usage="make module NAME=search [TABLE=no]")
    parser.add_argument("name")
    parser.add_argument("--without-table", action="store_true")
    parser.add_argument("--remove", action="store_true")
    parser.add_argument("--force", action="store_true", help="remove what is not committed too")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    arguments = parser.parse_args(argv)
    try:
        (_remove if arguments.remove else _add)(arguments)
    except EditError as error:
        sys.exit(f"module: {error}")


def _add(arguments: argparse.Namespace) -> None:
    name = arguments.name
    add(_names(name, arguments.root, has_table=not arguments.without_table), arguments.root)
    print(f"module: {name} is made: {name}/, functions/{name}.py, tests/{name}_test.py, and its part of the")
    print("module: deployment, the rules and the contract; git status shows them")
    print(f"module: next: make test; make run, then curl 127.0.0.1:8000/{name}/")


def _remove(arguments: argparse.Namespace) -> None:
    name, root = arguments.name, arguments.root
    names = _names(name, root, has_table=(root / name / "table.py").exists())
    if name == SAMPLE or not (root / name / "controller.py").exists():
        raise EditError(f"there is no module {name!r} that could be taken out")
    if not arguments.force:
        _guard(names, root)
    remove(names, root)
    print(f"module: {name} is taken out; next: git status, make test")


if __name__ == "__main__":
    main()
