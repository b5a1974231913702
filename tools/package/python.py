"""Lambda's Python version, and an interpreter of it on this machine, which compiles artifacts.

/var/task is read-only on Lambda, and Python ignores a `.pyc` of another version.

    python -m tools.package.python runtime        prints the newest runtime for tests, such as python3.14
    python -m tools.package.python interpreter    prints the path of its interpreter

The search covers pyenv itself. `uv python find` (uv 0.13) does not look into ~/.pyenv/versions, and fails at
a `python3.14` shim of pyenv whose version is not active, instead of searching further.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tools.package.uv import PackageError, run, uv

RUNTIMES = ("3.14", "3.13")
"""Python versions of Lambda's runtimes that the project supports, the default first."""

UPCOMING = ("3.15",)
"""Versions that `make package` builds for, while `sam build` and osls refuse their runtimes."""

TASK_ROOT = "/var/task"
"""The folder of the artifact on Lambda (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""


def runtime_version() -> str:
    """Return the Python version of artifacts: that of RUNTIME, such as python3.13, or the default.

    Raises:
        PackageError: the project does not support it.
    """
    name = os.environ.get("RUNTIME") or f"python{RUNTIMES[0]}"
    known = [f"python{version}" for version in (*RUNTIMES, *UPCOMING)]
    if name not in known:
        raise PackageError(f"RUNTIME: {name!r} is not one of {', '.join(known)}")
    return name.removeprefix("python")


def runtime_python(version: str | None = None) -> Path:
    """Return a CPython of Lambda's version: `RUNTIME_PYTHON`, an installed one, or one that uv installs.

    Args:
        version: the version, or None for that of `runtime_version()`.

    Raises:
        PackageError: none is installed, and uv cannot install one.
    """
    version = version or runtime_version()
    if installed := find_installed(version):
        return installed
    if given := os.environ.get("RUNTIME_PYTHON"):
        raise PackageError(f"RUNTIME_PYTHON: {given!r} is not a CPython {version}")
    try:
        run(uv(), "python", "install", "--quiet", version)
        return Path(run(uv(), "python", "find", "--system", version).strip())
    except PackageError:
        raise PackageError(
            f"compiling for Lambda needs CPython {version}, which uv cannot install here: "
            f"set RUNTIME_PYTHON=/path/to/python{version}, or RUNTIME to another version of Lambda's"
        ) from None


def available_runtime() -> str:
    """Return the runtime for tests on this machine: RUNTIME, or the newest one that is installed.

    Raises:
        PackageError: the project does not support RUNTIME.
    """
    if os.environ.get("RUNTIME"):
        return runtime_version()
    installed = [version for version in RUNTIMES if find_installed(version)]
    if installed and installed[0] != RUNTIMES[0]:
        line = f"package: no CPython {RUNTIMES[0]} is installed: testing with python{installed[0]}"
        print(line, file=sys.stderr)
    return installed[0] if installed else RUNTIMES[0]


def compile_all(folder: Path, python: Path) -> None:
    """Compile all files of a folder to `.pyc` files that stay valid when file times change (PEP 552).

    Raises:
        PackageError: a file does not compile.
    """
    compileall = (python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    run(*compileall, "-s", folder, "-p", TASK_ROOT, folder)


def find_installed(version: str) -> Path | None:
    """Return an installed CPython of a version, or None. With RUNTIME_PYTHON, only that one counts."""
    given = os.environ.get("RUNTIME_PYTHON")
    if given:
        return Path(given) if _is_cpython(given, version) else None
    return next((Path(found) for found in _candidates(version) if _is_cpython(found, version)), None)


def _candidates(version: str) -> Iterator[str]:
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(map(str, pyenv.glob(f"versions/{version}.*/bin/python3")))
    with suppress(PackageError):
        yield run(uv(), "python", "find", "--system", version).strip()  # --system: no virtual environment


def _is_cpython(python: str, version: str) -> bool:
    code = "import sys; print(sys.implementation.cache_tag)"
    try:
        tag = subprocess.run([python, "-I", "-c", code], check=False, capture_output=True, text=True).stdout
    except OSError:
        return False
    return tag.strip() == f"cpython-{version.replace('.', '')}"


def main() -> None:
    """Print what a make target needs."""
    try:
        version = available_runtime()
        print(f"python{version}" if sys.argv[1:] == ["runtime"] else runtime_python(version))
    except PackageError as error:
        sys.exit(f"package: {error}")


if __name__ == "__main__":
    main()
