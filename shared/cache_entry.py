"""A cached answer as it lies in Redis: when its data was loaded, the headers, and the body ready to send.

The bytes are three lines: a checksum, JSON with what is known of the body, and the body. Never pickle: that
runs what others wrote.
"""

from typing import NamedTuple, Self
from zlib import crc32

import msgspec

TTL_SECONDS = 60.0
"""An entry that is older is served only while the database is out of reach. This is also the bound on how
old an answer can be where an invalidation was lost."""

INDEX_LAG_SECONDS = 2.0
INDEX_LAG_TTL_SECONDS = 1.0
"""DynamoDB's indexes lag behind the table. What was loaded so soon after a write stays fresh only so long."""

REFRESH_RATIO = 0.95
"""The share of its fresh time after which one request reloads an entry; the others are still given it. So a
loader may even die without anybody waiting for it."""

STALE_IF_ERROR_SECONDS = 600.0
"""How long an entry can stand in for a database that is out of reach."""

CLOCK_SKEW_SECONDS = 1.0
"""How far the clocks of two machines may differ; an entry from further in the future is not fresh."""

CHECKSUM_BYTES = 9
"""The first line: eight digits, and its end."""


class Generation(NamedTuple):
    """What every write changes: entries of another generation than the current one are void."""

    value: bytes
    changed_at: float

    @classmethod
    def parse(cls, value: bytes | None) -> Self | None:
        """Read `Unix time-random`; None where it is missing or damaged."""
        try:
            return cls(value, float(value.split(b"-")[0])) if value else None
        except ValueError:
            return None


class EntryMetadata(msgspec.Struct, frozen=True):
    """What is known of an entry beside its body.

    `generation` was read before the load began, and `loaded_at` tells when that was, in Unix seconds.
    """

    generation: str
    loaded_at: float
    fresh: float
    headers: list[tuple[str, str]]


class Entry(NamedTuple):
    """A cached answer, status 200."""

    metadata: EntryMetadata
    body: bytes

    @classmethod
    def loaded(
        cls, generation: Generation, loaded_at: float, headers: list[tuple[str, str]], body: bytes
    ) -> "Entry":
        """What was loaded from `loaded_at` on, under a generation that was read before."""
        unsettled = loaded_at - generation.changed_at < INDEX_LAG_SECONDS
        fresh = INDEX_LAG_TTL_SECONDS if unsettled else TTL_SECONDS
        return cls(EntryMetadata(generation.value.decode(), loaded_at, fresh, headers), body)

    def age(self, now: float) -> float:
        """Seconds since its load began."""
        return now - self.metadata.loaded_at

    def is_fresh(self, now: float) -> bool:
        """Whether it may be served."""
        return -CLOCK_SKEW_SECONDS < self.age(now) < self.metadata.fresh

    def needs_refresh(self, now: float) -> bool:
        """Whether it is time to reload it, fresh or not."""
        return not self.is_fresh(now) or self.age(now) >= self.metadata.fresh * REFRESH_RATIO

    def is_usable_if_error(self, now: float) -> bool:
        """Whether it may be served while the database is out of reach."""
        return -CLOCK_SKEW_SECONDS < self.age(now) < STALE_IF_ERROR_SECONDS


def encode(entry: Entry) -> bytes:
    """The bytes to store."""
    text = msgspec.json.encode(entry.metadata) + b"\n" + entry.body
    return _checksum(text) + text


def decode(stored: bytes | None, generation: Generation | None) -> Entry | None:
    """The entry in these bytes; None where there is none, it is damaged, or of another generation."""
    if not stored or not generation:
        return None
    if stored[:CHECKSUM_BYTES] != _checksum(memoryview(stored)[CHECKSUM_BYTES:]):
        return None
    end = stored.find(b"\n", CHECKSUM_BYTES)
    try:
        metadata = msgspec.json.decode(stored[CHECKSUM_BYTES:end], type=EntryMetadata)
    except msgspec.DecodeError:  # written by another release
        return None
    return Entry(metadata, stored[end + 1 :]) if metadata.generation.encode() == generation.value else None


def _checksum(text: bytes | memoryview) -> bytes:
    """The first line, with its end."""
    return b"%08x\n" % crc32(text)
