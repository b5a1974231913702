"""The Python that stands for Lambda's, and compiles the artefact: Lambda can't, /var/task is read-only."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.package.uv import PackageError, run, uv

RUNTIME = "3.13"
"""Lambda's python3.13; a `.pyc` of another version is not even looked at."""

TASK = "/var/task"
"""Where Lambda puts the artefact (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""


def runtime_python() -> Path:
    """A CPython of Lambda's version on this machine, installed by uv where there is none.

    Raises:
        PackageError: there is none, and none can be installed.
    """
    named = os.environ.get("RUNTIME_PYTHON")
    if named:
        if not _fits(named):
            raise PackageError(f"RUNTIME_PYTHON: {named!r} is not a CPython {RUNTIME}")
        return Path(named)
    for found in _places():
        if _fits(found):
            return Path(found)
    try:
        run(uv(), "python", "install", "--quiet", RUNTIME)
        return Path(run(uv(), "python", "find", "--system", RUNTIME).strip())
    except PackageError:
        raise PackageError(
            f"a CPython {RUNTIME} is needed, to compile for Lambda, and uv can't install one here: "
            f"name one with RUNTIME_PYTHON=/path/to/python{RUNTIME}"
        ) from None


def compile_all(folder: Path, python: Path) -> None:
    """Compile what is in a folder so that it is valid whatever becomes of the files' times (PEP 552).

    Raises:
        PackageError: a file doesn't compile.
    """
    compileall = (python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    run(*compileall, "-s", folder, "-p", TASK, folder)


def _places() -> Iterator[str]:
    yield f"python{RUNTIME}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(map(str, pyenv.glob(f"versions/{RUNTIME}.*/bin/python3")))
    try:
        yield run(uv(), "python", "find", "--system", RUNTIME).strip()  # not a project's environment
    except PackageError:
        return


def _fits(python: str) -> bool:
    asked = "import sys; print(sys.implementation.cache_tag)"
    try:
        said = subprocess.run([python, "-I", "-c", asked], check=False, capture_output=True, text=True).stdout
    except OSError:
        return False
    return said.strip() == f"cpython-{RUNTIME.replace('.', '')}"
