"""The builder's only tool, uv, in an environment of its own: made at first use, from its lock file."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class PackageError(Exception):
    """An artefact can't be built; the message is for a person."""


def run(*command: str | Path) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        PackageError: it isn't there, or failed; with what it said.
    """
    try:
        ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    except OSError as error:
        raise PackageError(f"{command[0]}: {error.strerror}") from None
    if ran.returncode:
        raise PackageError(f"{Path(command[0]).name} failed:\n{ran.stderr or ran.stdout}")
    return ran.stdout


@contextmanager
def alone() -> Iterator[None]:
    """Let other builds of this project wait: `sam build` runs several at once."""
    lock = ROOT / "build" / ".lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the process, however that ends
        yield


def uv() -> Path:
    """The program, installed where it is missing or not the locked one.

    Raises:
        PackageError: it can't be installed.
    """
    environment, locked = ROOT / ".venv-package", ROOT / "requirements-package.txt"
    installed = environment / "installed.txt"
    with alone():
        if not installed.exists() or installed.read_text() != locked.read_text():
            run(sys.executable, "-m", "venv", "--clear", environment)
            pip = (environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
            run(*pip, "install", "--quiet", "--require-hashes", "-r", locked)
            installed.write_text(locked.read_text())
    return environment / "bin" / "uv"
