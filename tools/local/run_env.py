"""The addresses of a local run: `make run` leaves them in `.local/run.env` for the other commands.

The folder and the files with addresses or keys are their owner's alone, whatever the umask is.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def local_dir() -> Path:
    """The folder of this local run; `LOCAL` names another one than `.local`."""
    return Path(os.environ.get("LOCAL") or ".local")


def make_dir() -> Path:
    """Create the folder of this local run, or tighten the permissions of one that is there.

    Raises:
        PermissionError: others use that folder too, or it holds the project.
    """
    folder = local_dir()
    folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    status = folder.stat()
    is_shared = status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX
    if is_shared or folder.resolve() in {ROOT, *ROOT.parents}:
        raise PermissionError(f"LOCAL: {folder} is not a folder for one run alone: name another, as .local2")
    folder.chmod(stat.S_IRWXU)
    return folder


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole: another process finds the old file or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with open(descriptor, "wb") as new:  # noqa: PTH123  # it is open already
        os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR)
        new.write(content)
    Path(temporary).replace(file)


def env_file() -> Path:
    """Return the file in which `make run` saves its addresses."""
    return local_dir() / "run.env"


def save(addresses: Mapping[str, str]) -> None:
    """Save the addresses of a run."""
    lines = (f"{name}={value}\n" for name, value in sorted(addresses.items()))
    write_private(env_file(), "".join(lines).encode())


def read() -> dict[str, str]:
    """The addresses of the run that is up; none where none is."""
    if not env_file().exists():
        return {}
    return dict(line.split("=", 1) for line in env_file().read_text().splitlines())


def load(skip: str | None = None) -> None:
    """Add the addresses of the run that is up to the environment, unless that names a table of its own.

    Args:
        skip: the beginning of names to leave out.
    """
    addresses = read()
    if any(os.environ.get(name) for name in addresses if name.endswith("_TABLE")):
        return
    for name, value in addresses.items():
        if skip is None or not name.startswith(skip):
            os.environ.setdefault(name, value)
