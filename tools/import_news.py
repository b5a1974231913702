"""Load news from a file of JSON Lines into the table that the environment, or the run that is up, names."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Never

from tqdm import tqdm

from news.service import BATCH, NewsService
from shared.cache_store import CacheStore
from shared.config import Settings, SettingsError
from shared.errors import Unavailable, UnreadableItem
from shared.inputs import parse_json
from shared.redis_client import connect
from tools import local_env
from tools.readers import READERS, Reader


class Line(NamedTuple):
    """A line of the file: what it holds, or why that is refused."""

    number: int
    item: object
    reason: str | None


class Counts(NamedTuple):
    """What became of the lines of a file."""

    created: int
    existing: int
    refused: int


def import_lines(lines: Iterable[Line], service: NewsService) -> Counts:
    """Store the items of the lines in batches, and report the refused ones as they come.

    Raises:
        Unavailable: the database can't be had; what is stored by then stays.
    """
    created = existing = refused = 0
    lines = iter(lines)
    while batch := list(islice(lines, BATCH)):
        good = [line for line in batch if line.reason is None]
        loaded = service.create_many([line.item for line in good])
        reasons = {line.number: line.reason for line in batch if line.reason}
        reasons |= {good[place].number: reason for place, reason in loaded.refused.items()}
        for number, reason in sorted(reasons.items()):
            tqdm.write(f"line {number}: {reason}", file=sys.stderr)
        created += loaded.created
        existing += loaded.existing
        refused += len(reasons)
    return Counts(created, existing, refused)


def read_lines(file: BinaryIO, reader: Reader) -> Iterator[Line]:
    """The lines of a file, numbered from 1, without the empty ones."""
    for number, text in enumerate(file, 1):
        if text.strip():
            yield _read(number, text, reader)


def _read(number: int, text: bytes, reader: Reader) -> Line:
    try:
        parsed = parse_json(text)
        if not isinstance(parsed, dict):
            return Line(number, None, "not a JSON object")
        return Line(number, reader(parsed), None)
    except KeyError as error:
        return Line(number, None, f"{error.args[0]}: is required")
    except (ValueError, TypeError, OverflowError, OSError) as error:
        return Line(number, None, str(error))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make import", usage="make import FILE=news.jsonl [FORMAT=...]")
    parser.add_argument("file", type=Path)
    parser.add_argument("--format", choices=READERS, default="news")
    arguments = parser.parse_args()
    if not arguments.file.is_file():
        sys.exit(f"import: there is no file {arguments.file}")
    return arguments


def main() -> None:
    """Import one file, with a progress bar, and end with the counts."""
    arguments = _arguments()
    local_env.load()
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        sys.exit(f"import: {error}\nStart `make run` first, or set the environment of the table to load.")
    with (
        arguments.file.open("rb") as file,
        tqdm(total=arguments.file.stat().st_size, unit="B", unit_scale=True, desc="import") as bar,
    ):
        lines = read_lines(file, READERS[arguments.format])
        try:
            counts = import_lines(_watched(lines, file, bar), NewsService.from_settings(settings))
        except (Unavailable, UnreadableItem) as error:
            sys.exit(f"import: {error}\nWhat is stored stays; run the same command again to go on.")
        finally:
            if settings.redis_url:  # as a controller does after a write
                CacheStore(connect(settings), settings.stage).invalidate("news")
    print(f"{counts.created} created, {counts.existing} already there, {counts.refused} refused")


def _watched(lines: Iterator[Line], file: BinaryIO, bar: "tqdm[Never]") -> Iterator[Line]:
    for line in lines:
        bar.update(file.tell() - bar.n)
        yield line


if __name__ == "__main__":
    main()
