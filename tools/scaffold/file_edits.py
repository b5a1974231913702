"""Edits to files of the project, which git can undo.

Edits are computed before any file is written, so that an edit that fails leaves the project unchanged.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class EditError(Exception):
    """An edit failed; the message is one line for a developer."""


def replace_text(text: str, old: str, new: str, file: str) -> str:
    """Return the text with every occurrence of `old` replaced.

    Raises:
        EditError: `file`, which the text comes from, no longer contains `old`.
    """
    if old not in text:
        raise EditError(f"{file}: {old.strip()!r} not found; edit the file by hand")
    return text.replace(old, new)


def write_files(files: Mapping[Path, str]) -> None:
    """Write files, and create their folders.

    Raises:
        EditError: a file cannot be written.
    """
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    except OSError as error:
        raise EditError(f"{error.filename}: {error.strerror}") from None


def require_clean_tree(root: Path) -> None:
    """Check that `git restore` would discard no work; outside a git repository, check nothing.

    Raises:
        EditError: a tracked file has uncommitted changes.
    """
    if _git_status(root):
        raise EditError("uncommitted changes: commit or stash them first, so that git can undo this command")


def undo_hint(root: Path, new: tuple[str, ...] = ()) -> str:
    """Return one line that says how to undo a command that created the `new` files and folders."""
    if _git_status(root) is None:
        return "undo: not possible, since this folder is not in a git repository"
    clean = f" && git clean -fdx {' '.join(new)}" if new else ""
    return f"undo: git restore .{clean}; once committed: git revert"


def _git_status(root: Path) -> str | None:
    """Return the changes to tracked files, or None outside a git repository."""
    command = ("git", "status", "--porcelain", "--untracked-files=no", "--", ".")
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # git is not installed
        return None
    return None if done.returncode else done.stdout
