"""Find the project's files for a module's artifact: everything its entry point imports, and openapi.json."""

import ast
import shutil
from pathlib import Path

from tools.package.uv import ROOT, PackageError

NOT_MODULES = {"__init__", "wsgi"}
"""Files of `functions/` that are not the entry point of a module."""


def list_modules(root: Path = ROOT) -> list[str]:
    """Return the modules that are deployed, each as its own function."""
    return sorted({path.stem for path in (root / "functions").glob("*.py")} - NOT_MODULES)


def find_sources(module: str, root: Path = ROOT) -> list[Path]:
    """Return the project's files that a module's artifact needs.

    The search follows every `import` statement, also inside functions. It includes whole packages, because it
    cannot see imports by computed names.

    Raises:
        PackageError: the module does not exist, or one of its files has a syntax error.
    """
    if module not in list_modules(root):
        raise PackageError(f"no module {module!r}; modules: {', '.join(list_modules(root))}")
    found = {root / "openapi.json"}
    pending = [root / "functions" / "__init__.py", root / "functions" / f"{module}.py"]
    packages: set[str] = set()
    while pending:
        file = pending.pop()
        found.add(file)
        new = _imported_packages(file) - packages
        packages |= new
        for package in new:
            if (root / package / "__init__.py").is_file():
                pending += _files(root / package)
    return sorted(found)


def copy_sources(files: list[Path], folder: Path, root: Path = ROOT) -> None:
    """Copy files of the project to the same relative paths in a folder."""
    for file in files:
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _files(package: Path) -> list[Path]:
    """Return the files of a package, without caches and hidden files."""
    files = [path for path in package.rglob("*") if path.is_file()]
    inside = {path: path.relative_to(package).parts for path in files}
    return [path for path in files if not any(part.startswith((".", "__pycache__")) for part in inside[path])]


def _imported_packages(file: Path) -> set[str]:
    """Return the top-level packages that a file imports."""
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
