"""Lambda's Python version on this machine. It compiles artifacts, because /var/task is read-only on Lambda.

The search covers pyenv itself. `uv python find` (uv 0.13) does not look into ~/.pyenv/versions, and fails at
a `python3.13` shim of pyenv whose version is not active, instead of searching further.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.package.uv import PackageError, run, uv

RUNTIME = "3.13"
"""Python version of Lambda's runtime. Python ignores a `.pyc` of any other version."""

TASK_ROOT = "/var/task"
"""The folder of the artifact on Lambda (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""


def runtime_python() -> Path:
    """Return a CPython of Lambda's version: `RUNTIME_PYTHON`, an installed one, or one that uv installs.

    Raises:
        PackageError: none is installed, and uv cannot install one.
    """
    given = os.environ.get("RUNTIME_PYTHON")
    if given:
        if not _is_runtime(given):
            raise PackageError(f"RUNTIME_PYTHON: {given!r} is not a CPython {RUNTIME}")
        return Path(given)
    for candidate in _candidates():
        if _is_runtime(candidate):
            return Path(candidate)
    try:
        run(uv(), "python", "install", "--quiet", RUNTIME)
        return Path(run(uv(), "python", "find", "--system", RUNTIME).strip())
    except PackageError:
        raise PackageError(
            f"compiling for Lambda needs CPython {RUNTIME}, which uv cannot install here: "
            f"set RUNTIME_PYTHON=/path/to/python{RUNTIME}"
        ) from None


def compile_all(folder: Path, python: Path) -> None:
    """Compile all files of a folder to `.pyc` files that stay valid when file times change (PEP 552).

    Raises:
        PackageError: a file does not compile.
    """
    compileall = (python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    run(*compileall, "-s", folder, "-p", TASK_ROOT, folder)


def _candidates() -> Iterator[str]:
    yield f"python{RUNTIME}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(map(str, pyenv.glob(f"versions/{RUNTIME}.*/bin/python3")))
    try:
        yield run(uv(), "python", "find", "--system", RUNTIME).strip()  # --system: no virtual environment
    except PackageError:
        return


def _is_runtime(python: str) -> bool:
    code = "import sys; print(sys.implementation.cache_tag)"
    try:
        tag = subprocess.run([python, "-I", "-c", code], check=False, capture_output=True, text=True).stdout
    except OSError:
        return False
    return tag.strip() == f"cpython-{RUNTIME.replace('.', '')}"
