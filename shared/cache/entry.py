"""A cached response: its metadata, freshness rules and serialization.

The stored bytes are a checksum line, a line of JSON metadata, and the body. Not pickle, because unpickling
runs code from the data. The checksum detects corruption, and the metadata is validated as untrusted input.
The body is stored in gzip where that is smaller.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Self
from zlib import crc32

import msgspec

from shared.web.compression import compress

TTL_SECONDS = 60.0
"""Time that an entry is fresh. It also limits how long old data is served after a lost invalidation."""

INDEX_LAG_SECONDS = 2.0
INDEX_LAG_TTL_SECONDS = 1.0
"""Global secondary indexes lag behind the table. An entry loaded within INDEX_LAG_SECONDS of a write gets the
shorter TTL."""

REFRESH_RATIO = 0.95
"""Fraction of the TTL after which one request refreshes the entry while the others still use it. So no
request waits if that one fails."""

STALE_IF_ERROR_SECONDS = 600.0
"""Maximum age of an entry that is served while the database is unavailable: stale-if-error (RFC 5861)."""

CLOCK_SKEW_SECONDS = 1.0
"""Tolerated clock difference between two machines. An entry from further in the future is not fresh."""

STORABLE_HEADERS = frozenset({"content-language", "content-type", "etag", "last-modified", "link"})
"""Response headers that may be cached. Any other header prevents caching: it may be private (`Set-Cookie`),
or show that the key is incomplete (`Vary`)."""

HEADER_VALUE = r"[\t -~\xa0-\xff]*"
"""A header value (RFC 9110, section 5.5) without line breaks and other control characters."""

GENERATION = re.compile(rb"(\d{1,11}\.\d{3})-[0-9a-f]{16}")
"""Unix time in seconds, and 16 random hex digits."""

CHECKSUM_BYTES = 9
"""Length of the first line: eight hex digits and a line break."""


class Generation(NamedTuple):
    """A value that changes with every write. An entry is valid only in the generation it was loaded in."""

    value: bytes
    changed_at: float

    @classmethod
    def parse(cls, value: bytes | None) -> Self | None:
        """Return the generation, or None if it is missing or malformed."""
        match = GENERATION.fullmatch(value) if value else None
        return cls(match[0], float(match[1])) if match else None


class EntryMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The metadata of an entry. Other fields make an entry invalid: another release may mean another body.

    Attributes:
        key: the Redis key of the entry.
        generation: the generation, read before the data was loaded.
        loaded_at: Unix time when the load began.
        ttl: seconds that the entry is fresh, counted from `loaded_at`.
        headers: the response headers as (name, value) pairs, for the body without gzip.
        is_gzip: the body is stored in gzip.
    """

    key: str
    generation: str
    loaded_at: float
    ttl: float
    headers: tuple[tuple[str, str], ...]
    is_gzip: bool

    def __post_init__(self) -> None:
        """Raise ValueError if a header is not storable."""
        if not are_storable(self.headers):
            raise ValueError("headers are not storable")


class Entry(NamedTuple):
    """A cached response with status 200. The body is in gzip if the metadata says so."""

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
        """Return a new entry.

        Args:
            key: the Redis key of the entry.
            generation: the generation, read before the load began.
            loaded_at: Unix time when the load began.
            headers: the response headers.
            body: the response body.
        """
        may_lag = loaded_at - generation.changed_at < INDEX_LAG_SECONDS
        ttl = INDEX_LAG_TTL_SECONDS if may_lag else TTL_SECONDS
        compressed = compress(body)
        metadata = EntryMetadata(
            key, generation.value.decode(), loaded_at, ttl, headers, is_gzip=compressed is not None
        )
        return cls(metadata, compressed or body)

    @property
    def ttl(self) -> float:
        """Seconds that the entry is fresh. A stored TTL above TTL_SECONDS is ignored."""
        return min(self.metadata.ttl, TTL_SECONDS)

    def age(self, now: float) -> float:
        """Return the seconds since the load began."""
        return now - self.metadata.loaded_at

    def is_fresh(self, now: float) -> bool:
        """Return True if the entry may be served."""
        return -CLOCK_SKEW_SECONDS < self.age(now) < self.ttl

    def needs_refresh(self, now: float) -> bool:
        """Return True if a request should reload the entry, even while it is fresh."""
        return not self.is_fresh(now) or self.age(now) >= self.ttl * REFRESH_RATIO

    def is_usable_if_error(self, now: float) -> bool:
        """Return True if the entry may be served while the database is unavailable."""
        return -CLOCK_SKEW_SECONDS < self.age(now) < STALE_IF_ERROR_SECONDS


def are_storable(headers: tuple[tuple[str, str], ...]) -> bool:
    """Return True if every header is in STORABLE_HEADERS, valid, and present once."""
    names = {name.lower() for name, _ in headers}
    are_valid = all(re.fullmatch(HEADER_VALUE, value) for _, value in headers)
    return len(names) == len(headers) and names <= STORABLE_HEADERS and are_valid


def encode(entry: Entry) -> bytes:
    """Serialize an entry."""
    text = msgspec.json.encode(entry.metadata) + b"\n" + entry.body
    return _checksum(text) + text


def decode(stored: bytes | None, key: str, generation: Generation | None) -> Entry | None:
    """Deserialize an entry. Return None if it is missing, corrupt, or of another key or generation."""
    if not stored or not generation:
        return None
    if stored[:CHECKSUM_BYTES] != _checksum(memoryview(stored)[CHECKSUM_BYTES:]):
        return None
    end = stored.find(b"\n", CHECKSUM_BYTES)
    metadata = _parse_metadata(stored[CHECKSUM_BYTES:end])
    if metadata is None or metadata.key != key or metadata.generation.encode() != generation.value:
        return None
    return Entry(metadata, stored[end + 1 :])


class Lookup(msgspec.Struct, frozen=True):
    """The result of a cache lookup.

    Attributes:
        generation: the current generation, or None if it is missing or malformed.
        entry: the entry, if it is valid in that generation.
        lock_key: the key of the lock, once `try_lock` was called.
    """

    generation: Generation | None
    entry: Entry | None
    lock_key: str = ""

    @classmethod
    def parse(cls, key: str, values: Sequence[bytes | None], lock_key: str = "") -> Self:
        """Return the lookup for the stored generation and entry, in that order."""
        generation = Generation.parse(values[0])
        return cls(generation, decode(values[1], key, generation), lock_key)


@lru_cache(maxsize=256)  # most hits read the same few entries
def _parse_metadata(text: bytes) -> EntryMetadata | None:
    try:
        return msgspec.json.decode(text, type=EntryMetadata)
    except msgspec.DecodeError:  # written by another release, or forged
        return None


def _checksum(text: bytes | memoryview) -> bytes:
    """Return the first line: a CRC-32 in hex."""
    return b"%08x\n" % crc32(text)
