"""A cached response as it is stored in Redis: its key, when its data was loaded, headers, and the body.

The bytes are three lines: a checksum, JSON with the metadata, and the body. Never pickle: that runs what
others wrote. The checksum finds damage; beyond it nothing in an entry is trusted.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self
from zlib import crc32

import msgspec

TTL_SECONDS = 60.0
"""An older entry is served only while the database is unavailable. This also bounds the age of a response
where an invalidation was lost."""

INDEX_LAG_SECONDS = 2.0
INDEX_LAG_TTL_SECONDS = 1.0
"""DynamoDB's indexes lag behind the table. What was loaded so soon after a write stays fresh only so long."""

REFRESH_RATIO = 0.95
"""The part of its TTL after which one request reloads an entry, while the others are still served from it. So
nobody waits for a loader that dies."""

STALE_IF_ERROR_SECONDS = 600.0
"""Maximum age of an entry that is served while the database is unavailable."""

CLOCK_SKEW_SECONDS = 1.0
"""Maximum difference between the clocks of two machines; an entry from further in the future is not fresh."""

STORABLE_HEADERS = frozenset({"content-language", "content-type", "etag", "last-modified", "link"})
"""Headers of a response that may be cached. `Content-Length` and `Cache-Control` are made for each response.
Others don't belong to everybody (`Set-Cookie`), or say that the key lacks something (`Vary`)."""

HEADER_VALUE = re.compile(r"[\t -~\xa0-\xff]*")
"""A header's value (RFC 9110, section 5.5): no line breaks or other control characters."""

GENERATION = re.compile(rb"(\d{1,11}\.\d{3})-[0-9a-f]{16}")
"""Unix time and a random number."""

CHECKSUM_BYTES = 9
"""The first line: eight digits and a line break."""


class Generation(NamedTuple):
    """Changes with every write: entries of another generation than the current one are invalid."""

    value: bytes
    changed_at: float

    @classmethod
    def parse(cls, value: bytes | None) -> Self | None:
        """Return the generation, or None where it is missing or damaged."""
        match = GENERATION.fullmatch(value) if value else None
        return cls(match[0], float(match[1])) if match else None


class EntryMetadata(msgspec.Struct, frozen=True):
    """What an entry has beside its body.

    Attributes:
        key: the key under which it was stored.
        generation: the generation that was read before its data was loaded.
        loaded_at: Unix time at which the load began.
        ttl: seconds from then on.
        headers: names and values.
    """

    key: str
    generation: str
    loaded_at: float
    ttl: float
    headers: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Validate the headers."""
        if not are_storable(self.headers):
            raise ValueError("headers that are not storable")


class Entry(NamedTuple):
    """A cached response with status 200."""

    metadata: EntryMetadata
    body: bytes

    @classmethod
    def loaded(
        cls,
        key: str,
        generation: Generation,
        loaded_at: float,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
    ) -> Self:
        """Return the entry of data loaded from `loaded_at` on, under a generation that was read before."""
        may_lag = loaded_at - generation.changed_at < INDEX_LAG_SECONDS
        ttl = INDEX_LAG_TTL_SECONDS if may_lag else TTL_SECONDS
        return cls(EntryMetadata(key, generation.value.decode(), loaded_at, ttl, headers), body)

    @property
    def ttl(self) -> float:
        """Seconds for which the entry is fresh, whatever is stored."""
        return min(self.metadata.ttl, TTL_SECONDS)

    def age(self, now: float) -> float:
        """Return the seconds since its load began."""
        return now - self.metadata.loaded_at

    def is_fresh(self, now: float) -> bool:
        """Return whether it may be served."""
        return -CLOCK_SKEW_SECONDS < self.age(now) < self.ttl

    def needs_refresh(self, now: float) -> bool:
        """Return whether a request should reload it, fresh or not."""
        return not self.is_fresh(now) or self.age(now) >= self.ttl * REFRESH_RATIO

    def is_usable_if_error(self, now: float) -> bool:
        """Return whether it may be served while the database is unavailable."""
        return -CLOCK_SKEW_SECONDS < self.age(now) < STALE_IF_ERROR_SECONDS


def are_storable(headers: tuple[tuple[str, str], ...]) -> bool:
    """Return whether a response with these headers may be cached: each is known, valid, and there once."""
    names = {name.lower() for name, _ in headers}
    values = (value for _, value in headers)
    return (
        len(names) == len(headers) and names <= STORABLE_HEADERS and all(map(HEADER_VALUE.fullmatch, values))
    )


def encode(entry: Entry) -> bytes:
    """Return the bytes to store."""
    text = msgspec.json.encode(entry.metadata) + b"\n" + entry.body
    return _checksum(text) + text


def decode(stored: bytes | None, key: str, generation: Generation | None) -> Entry | None:
    """Return the entry, or None where it is missing, damaged, of another key or of another generation."""
    if not stored or not generation:
        return None
    if stored[:CHECKSUM_BYTES] != _checksum(memoryview(stored)[CHECKSUM_BYTES:]):
        return None
    end = stored.find(b"\n", CHECKSUM_BYTES)
    metadata = _parse_metadata(stored[CHECKSUM_BYTES:end])
    if metadata is None or metadata.key != key or metadata.generation.encode() != generation.value:
        return None
    return Entry(metadata, stored[end + 1 :])


class Lookup(NamedTuple):
    """What is stored: the current generation, and the entry if it is of that one.

    `lock_key` is the key of the lock to reload it, once that was tried.
    """

    generation: Generation | None
    entry: Entry | None
    lock_key: str = ""

    @classmethod
    def parse(cls, key: str, values: Sequence[bytes | None], lock_key: str = "") -> Self:
        """Return what a generation and an entry, as they are stored, mean for a key."""
        generation = Generation.parse(values[0])
        return cls(generation, decode(values[1], key, generation), lock_key)


@lru_cache(maxsize=256)  # the same few entries are read all the time
def _parse_metadata(text: bytes) -> EntryMetadata | None:
    try:
        return msgspec.json.decode(text, type=EntryMetadata)
    except msgspec.DecodeError:  # of another release, or forged
        return None


def _checksum(text: bytes | memoryview) -> bytes:
    """Return the first line."""
    return b"%08x\n" % crc32(text)
