"""A copy of the project to deploy, so that the tools' files disappear with it."""

import shutil
from pathlib import Path

from tools.package.uv import ROOT, uv

GENERATED = (
    ".*_cache",
    ".aws-sam",
    ".coverage*",
    ".git",
    ".hypothesis",
    ".local*",
    ".schemathesis",
    ".serverless",
    ".venv*",
    "__pycache__",
    "build",
    "node_modules",
    "tests",
)
LINKED = (".venv-package", "node_modules")


def copy_project(folder: Path) -> Path:
    """Copy the project into a new folder without generated files, and link the installed packages.

    Raises:
        PackageError: the tool that builds artifacts cannot be installed.
    """
    uv()  # installed before it is linked
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*GENERATED))
    for name in LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder
