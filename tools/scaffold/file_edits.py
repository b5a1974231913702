"""Changes to many files of the project at once: all of them are made, or none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class EditError(Exception):
    """A change can't be made, and nothing was; the message is one line for a person."""


def replaced(text: str, old: str, new: str, where: str) -> str:
    """The text with every place of one part changed.

    Raises:
        EditError: the part isn't there, so the file is not as it was known.
    """
    if old not in text:
        raise EditError(f"{where} has no {old.strip()!r} any more: change it by hand")
    return text.replace(old, new)


def write_all(files: Mapping[Path, str | None]) -> None:
    """Write files, and remove those whose content is None; where one fails, leave all as they were.

    Raises:
        EditError: one can't be written.
    """
    with written(files):
        pass


@contextmanager
def written(files: Mapping[Path, str | None]) -> Iterator[None]:
    """The same, for a block that may fail as well: then, too, all is left as it was.

    Raises:
        EditError: one can't be written.
    """
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    done: list[Path] = []
    try:
        for path, text in files.items():
            done.append(path)
            _put(path, None if text is None else text.encode())
        yield
    except BaseException as error:
        for path in reversed(done):
            _put(path, before[path])
        if isinstance(error, OSError):
            raise EditError(f"{error.filename}: {error.strerror}; nothing is changed") from None
        raise


def _put(path: Path, content: bytes | None) -> None:
    """Write a file and the folders above it, or remove it with those that it leaves empty."""
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return
    if path.exists():
        path.unlink()
    for folder in path.parents:
        if folder == ROOT or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
