"""`make module NAME=search`: create a module that works at once.

The module's own files come from tools/scaffold/templates. Its part of the deployment files and of the import
rules is a copy of the reference module's (deploy_files.py, project_files.py).
"""

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tools.scaffold.deploy_files import add_to_serverless, add_to_template
from tools.scaffold.file_edits import ROOT, EditError, require_clean_tree, undo_hint, write_files
from tools.scaffold.names import MODULE_FILES, REFERENCE_MODULE, Names, validate_name
from tools.scaffold.project_files import add_to_compose, add_to_pyproject

TEMPLATES = Path(__file__).parent / "templates"


def add_module(names: Names, root: Path) -> None:
    """Write a new module into a project.

    Raises:
        EditError: the name cannot be used, a file was edited so that the module's part cannot be added, or
            git could not undo the change.
    """
    validate_name(names.module, root)
    require_clean_tree(root)
    write_files(render_module(names, root) | edit_project(names, root))
    _write_openapi(names.module, root)


def render_module(names: Names, root: Path) -> dict[Path, str]:
    """Return the module's own files: path and content."""
    name = names.module
    folder = TEMPLATES / ("table" if names.has_table else "plain")
    places = {
        "operations.py.txt": root / "tools" / "openapi" / f"operations_{name}.py",
        "cases.py.txt": root / "tests" / "support" / f"{name}_cases.py",
        "test.py.txt": root / "tests" / f"{name}_test.py",
    }
    files = {}
    for template in sorted(folder.iterdir()):
        text = template.read_text().replace("sample", name).replace("Sample", names.title)
        files[places.get(template.name, root / name / template.stem)] = text
    for file in (f"{REFERENCE_MODULE}/__init__.py", f"functions/{REFERENCE_MODULE}.py"):
        files[root / names.adapt(file)] = names.adapt((root / file).read_text())
    return {path: _format_python(text, names, root) for path, text in files.items()}


def edit_project(names: Names, root: Path) -> dict[Path, str]:
    """Return the files of the project that name each module, with the new one added: path and content.

    Raises:
        EditError: a file was edited so that the module's part cannot be added.
    """
    template = add_to_template((root / "template.yaml").read_text(), names)
    return {
        root / "template.yaml": template,
        root / "serverless.yml": add_to_serverless((root / "serverless.yml").read_text(), template, names),
        root / "pyproject.toml": add_to_pyproject((root / "pyproject.toml").read_text(), names),
        root / "compose.yaml": add_to_compose((root / "compose.yaml").read_text(), names),
    }


def _format_python(text: str, names: Names, root: Path) -> str:
    """Return Python code as `make lint` expects it, since the name changes line lengths and import order."""
    known = f"lint.isort.known-first-party=['{names.module}']"
    for command in (("check", "--quiet", "--fix", "--select", "I", "--config", known), ("format", "--quiet")):
        ruff = (Path(sys.executable).with_name("ruff"), *command, "--stdin-filename", "functions/x.py", "-")
        done = subprocess.run(ruff, cwd=root, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EditError(f"ruff failed: {done.stderr.strip().splitlines()[-1]}")
        text = done.stdout
    return text


def _write_openapi(name: str, root: Path) -> None:
    """Generate openapi.json, in a process that imports the project with the new module.

    Raises:
        EditError: the generator failed.
    """
    command = (sys.executable, "-m", "tools.openapi.generator")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise EditError(f"openapi.json not generated: {reason}; {undo_hint(root, _new_paths(name, root))}")


def _new_paths(name: str, root: Path) -> tuple[str, ...]:
    return tuple(path for file in MODULE_FILES if (root / (path := file.format(name))).exists())


def main(argv: Sequence[str] | None = None) -> None:
    """Create a module, and print the next steps and how to undo it."""
    parser = argparse.ArgumentParser(prog="make module", usage="make module NAME=search [TABLE=no]")
    parser.add_argument("name")
    parser.add_argument("--without-table", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the project")
    arguments = parser.parse_args(argv)
    name, root = arguments.name, arguments.root
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"]
    try:
        add_module(Names(name, not arguments.without_table, project), root)
    except EditError as error:
        sys.exit(f"module: {error}")
    print(f"module: created {', '.join(_new_paths(name, root))}")
    print("module: added it to deployment files, import rules and openapi.json: see git diff")
    print(f"module: next: make test; make run, then curl 127.0.0.1:8000/{name}/")
    print(f"module: {undo_hint(root, _new_paths(name, root))}")


if __name__ == "__main__":
    main()
