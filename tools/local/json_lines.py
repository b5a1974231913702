"""Read JSON Lines from a file, a pipe or standard input: numbered, in bounded memory, one line at a time."""

import codecs
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from shared.web.requests import parse_json
from tools.local.import_formats import Reader

MAX_LINE_BYTES = 1024 * 1024
"""Longer lines are reported and skipped. The service accepts bodies of 64 KiB."""

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableFile(Exception):
    """The file cannot be read to its end. The message is one line."""


class Line(NamedTuple):
    """A line of the file: its item, or the reason for its rejection."""

    number: int
    item: object
    reason: str | None


def read_lines(
    file: BinaryIO, reader: Reader, on_read: Callable[[int], object] = lambda _bytes: None
) -> Iterator[Line]:
    """Yield the lines of a file, numbered from 1, without the empty ones.

    Args:
        file: a binary file; it need not be seekable.
        reader: turns a parsed line into an item.
        on_read: called with the number of bytes that were read.

    Raises:
        UnreadableFile: reading failed, or the file is in UTF-16.
    """
    for number, text in enumerate(_bounded_lines(file, on_read), 1):
        if text is None:
            yield Line(number, None, f"longer than {MAX_LINE_BYTES:,} bytes")
            continue
        if number == 1 and text.startswith(UTF16_MARKS):
            raise UnreadableFile("it is in UTF-16: convert it to UTF-8")
        text = text.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901  # concatenated files have one each
        if text.strip():
            yield _parse(number, text, reader)


def _bounded_lines(file: BinaryIO, on_read: Callable[[int], object]) -> Iterator[bytes | None]:
    """Yield each line, or None for one that is too long."""
    while part := _read_part(file, on_read):
        yield part if _is_end(part) else None
        while not _is_end(part):
            part = _read_part(file, on_read)


def _read_part(file: BinaryIO, on_read: Callable[[int], object]) -> bytes:
    try:
        part = file.readline(MAX_LINE_BYTES)
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error)) from None
    on_read(len(part))
    return part


def _is_end(part: bytes) -> bool:
    """Return whether a line ends with this part: with a line break, or because the file does."""
    return part.endswith(b"\n") or len(part) < MAX_LINE_BYTES


def _parse(number: int, text: bytes, reader: Reader) -> Line:
    try:
        parsed = parse_json(text)
        if not isinstance(parsed, dict):
            return Line(number, None, "not a JSON object")
        return Line(number, reader(parsed), None)
    except KeyError as error:
        return Line(number, None, f"{error.args[0]}: is required")
    except (ValueError, TypeError, OverflowError, OSError) as error:
        return Line(number, None, str(error))
