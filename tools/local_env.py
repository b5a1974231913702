"""The addresses of a local run: `make run` leaves them in `.local/run.env` for the other commands."""

import os
from collections.abc import Mapping
from pathlib import Path


def local_dir() -> Path:
    """The folder of this local run; `LOCAL` names another one than `.local`."""
    return Path(os.environ.get("LOCAL") or ".local")


def env_file() -> Path:
    """Where a run that is up leaves its addresses."""
    return local_dir() / "run.env"


def save(addresses: Mapping[str, str]) -> None:
    """Leave the addresses of a run that is up."""
    lines = (f"{name}={value}\n" for name, value in sorted(addresses.items()))
    env_file().write_text("".join(lines))


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
