"""Store news in batches, and report each invalid line."""

import os
import stat
import sys
from collections.abc import Iterable
from itertools import islice
from typing import BinaryIO, NamedTuple

from pynamodb.exceptions import PynamoDBException
from tqdm import tqdm

from news.service import BATCH, NewsService
from shared.cache.redis_client import connect
from shared.cache.store import CacheStore
from shared.config import Settings, SettingsError
from shared.errors import Unavailable, UnreadableItem
from tools.local import run_env
from tools.local.import_formats import READERS
from tools.local.json_lines import Line, UnreadableFile, read_lines

MAX_REASON_CHARACTERS = 300


class Counts(NamedTuple):
    """The number of lines of a file by their outcome."""

    created: int
    existing: int
    rejected: int


def import_lines(lines: Iterable[Line], service: NewsService) -> Counts:
    """Store the items of the lines in batches, and report each rejected line.

    Raises:
        Unavailable: the database is unreachable; items that are stored by then stay.
    """
    created = existing = rejected = 0
    lines = iter(lines)
    while batch := list(islice(lines, BATCH)):
        good = [line for line in batch if line.reason is None]
        loaded = service.create_many([line.item for line in good])
        reasons = {line.number: line.reason for line in batch if line.reason}
        reasons |= {good[place].number: reason for place, reason in loaded.rejected.items()}
        for number, reason in sorted(reasons.items()):
            tqdm.write(f"line {number}: {_printable(reason)}", file=sys.stderr)
        created += loaded.created
        existing += loaded.existing
        rejected += len(reasons)
    return Counts(created, existing, rejected)


def import_from(name: str, form: str) -> Counts:
    """Import a file into the table of the environment or of the current run, or exit with a one-line error.

    Args:
        name: the name of a file or a pipe; `-` is standard input.
        form: a name in READERS.
    """
    run_env.load()
    try:
        settings = Settings.from_env()
        service = NewsService.from_settings(settings)
        with _open(name) as file:
            return _import_file(file, form, settings, service)
    except SettingsError as error:
        sys.exit(f"import: {error}; start `make run` first, or set the variables of another table")
    except UnreadableFile as error:
        sys.exit(f"import: can't read {name}: {error}")
    except (Unavailable, UnreadableItem, PynamoDBException) as error:
        sys.exit(f"import: {error}; stored items stay; run the command again to continue")


def _open(name: str) -> BinaryIO:
    try:
        return open(0 if name == "-" else name, "rb", closefd=name != "-")  # 0: standard input
    except FileNotFoundError:
        sys.exit(f"import: there is no file {name}")
    except (OSError, ValueError) as error:
        raise UnreadableFile(getattr(error, "strerror", None) or str(error)) from None


def _import_file(file: BinaryIO, form: str, settings: Settings, service: NewsService) -> Counts:
    status = os.fstat(file.fileno())
    size = status.st_size if stat.S_ISREG(status.st_mode) else None
    with tqdm(total=size, unit="B", unit_scale=True, desc="import") as bar:
        try:
            return import_lines(read_lines(file, READERS[form], bar.update), service)
        except BaseException:
            bar.leave = False  # the error is the last line
            raise
        finally:
            if settings.redis_url:  # like a controller after a write
                CacheStore(connect(settings), settings).invalidate("news")


def _printable(reason: str) -> str:
    """Return a reason as one short line. It can contain any text of the file."""
    shown = reason[:MAX_REASON_CHARACTERS]
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in shown)
