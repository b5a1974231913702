"""Install and run uv, the only tool that packaging needs.

`sam build` and `sls deploy` work in a fresh clone with Python and a package index alone, so uv is not a
prerequisite: the first build installs the locked version into `.venv-package`.
"""

import fcntl
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class PackageError(Exception):
    """An artifact cannot be built; the message explains why."""


def run(*command: str | Path) -> str:
    """Run a command and return its standard output.

    Raises:
        PackageError: the command does not exist or failed; the message contains its output.
    """
    try:
        completed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    except OSError as error:
        raise PackageError(f"{command[0]}: {error.strerror}") from None
    if completed.returncode:
        raise PackageError(f"{Path(command[0]).name} failed:\n{completed.stderr or completed.stdout}")
    return completed.stdout


@contextmanager
def build_lock() -> Iterator[None]:
    """Exclude other builds of this project inside the `with` block: `sam build` can run several at once."""
    lock = ROOT / "build" / ".lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the process exits
        yield


def uv() -> Path:
    """Return the path of the locked uv; install it first if it is missing or outdated.

    Raises:
        PackageError: uv cannot be installed.
    """
    environment, pinned = ROOT / ".venv-package", _pinned_uv()
    requirements, installed = environment / "requirements.txt", environment / "installed.txt"
    with build_lock():
        if not installed.exists() or installed.read_text() != pinned:
            run(sys.executable, "-m", "venv", "--clear", environment)
            requirements.write_text(pinned)
            pip = (environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check")
            run(*pip, "install", "--quiet", "--require-hashes", "-r", requirements)
            requirements.rename(installed)
    return environment / "bin" / "uv"


def _pinned_uv() -> str:
    """Return the lines of the lock file that pin uv, with their hashes."""
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    pinned = re.search(r"^uv==(?:.*\\\n)+.*\n", lock, re.MULTILINE)
    if not pinned:
        raise PackageError("requirements/dev.txt does not pin uv: run `make lock`")
    return pinned[0]
