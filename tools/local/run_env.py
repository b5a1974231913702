"""The addresses of a local run, which `make run` saves in `.local/run.env` for the other commands.

Only the owner can read the folder and its files, whatever the umask.
"""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def local_dir() -> Path:
    """Return the folder of this local run: `LOCAL`, or `.local`."""
    return Path(os.environ.get("LOCAL") or ".local")


def make_dir() -> Path:
    """Create the folder of this local run, or restrict the permissions of an existing one.

    Raises:
        PermissionError: other users or programs use the folder, or it contains the project.
    """
    folder = local_dir()
    folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    status = folder.stat()
    is_shared = status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX
    if is_shared or folder.resolve() in {ROOT, *ROOT.parents}:
        raise PermissionError(f"LOCAL: {folder} is not a folder for one run: set another, such as .local2")
    folder.chmod(stat.S_IRWXU)
    return folder


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, atomically: readers see the old content or the new."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with open(descriptor, "wb") as new:  # noqa: PTH123  # opens a file descriptor
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
    """Return the addresses of the current run, or none without one."""
    if not env_file().exists():
        return {}
    return dict(line.split("=", 1) for line in env_file().read_text().splitlines())


def load(skip: str | None = None) -> None:
    """Add the addresses of the current run to the environment, unless that contains a table.

    Args:
        skip: prefix of variables to leave out.
    """
    addresses = read()
    if any(os.environ.get(name) for name in addresses if name.endswith("_TABLE")):
        return
    for name, value in addresses.items():
        if skip is None or not name.startswith(skip):
            os.environ.setdefault(name, value)
