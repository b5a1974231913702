"""What of the project itself goes into a module's artefact: what its entry point imports; the contract."""

import ast
import shutil
from pathlib import Path

from tools.package.uv import ROOT, PackageError

NO_MODULE = {"__init__", "wsgi"}
"""Files of `functions/` that aren't a module's entry point."""


def modules(root: Path = ROOT) -> list[str]:
    """The modules that are deployed, each as a function of its own."""
    return sorted({path.stem for path in (root / "functions").glob("*.py")} - NO_MODULE)


def sources(module: str, root: Path = ROOT) -> list[Path]:
    """The files of a module's artefact.

    A package goes in whole, since what is imported inside a function is found too, but what is imported by a
    computed name is not.

    Raises:
        PackageError: there is no such module, or one of its files is no Python.
    """
    if module not in modules(root):
        raise PackageError(f"there is no module {module!r}; there are: {', '.join(modules(root))}")
    found = {root / "openapi.json"}
    waiting = [root / "functions" / "__init__.py", root / "functions" / f"{module}.py"]
    while waiting:
        file = waiting.pop()
        found.add(file)
        for package in _imported(file):
            if (root / package / "__init__.py").is_file():
                waiting += [each for each in _files(root / package) if each not in found]
    return sorted(found)


def copy_sources(files: list[Path], folder: Path, root: Path = ROOT) -> None:
    """Copy files of the project to their places in a folder."""
    for file in files:
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _files(package: Path) -> list[Path]:
    """A package's files, without what a Python or an editor has left there."""
    files = [path for path in package.rglob("*") if path.is_file()]
    inside = {path: path.relative_to(package).parts for path in files}
    return [path for path in files if not any(part.startswith((".", "__pycache__")) for part in inside[path])]


def _imported(file: Path) -> set[str]:
    """The top-level packages that a file names in its imports."""
    if file.suffix != ".py":
        return set()
    try:
        parsed = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise PackageError(f"{file.parent.name}/{file.name}, line {error.lineno}: {error.msg}") from None
    names: list[str] = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return {name.partition(".")[0] for name in names}
