"""gzip for cached responses, negotiated with Accept-Encoding (RFC 9110, section 12.5.3).

HTTP APIs and function URLs do not compress. Only responses that are the same for every caller are compressed,
so no secret shares a body with data of an attacker (BREACH).
"""

import gzip
import zlib
from functools import lru_cache

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

MIN_BYTES = 1024
"""Smaller bodies stay as they are: they fit into one packet, and one read unit of ElastiCache Serverless."""

LEVEL = 6
"""A page of the sample news (8,263 bytes) becomes 2,850 bytes; 3,045 at level 1, 2,846 at level 9."""

MAX_BYTES = 16 * 1024 * 1024
"""Maximum size of a decompressed body. Lambda's limit of a response is 6 MB."""

ETAG_SUFFIX = "-gzip"
"""The two codings of a resource have different strong ETags (RFC 9110, section 8.8.3)."""


def compress(body: bytes) -> bytes | None:
    """Return the body in gzip, or None if that is not smaller or not worth it."""
    if len(body) < MIN_BYTES:
        return None
    compressed = gzip.compress(body, LEVEL, mtime=0)
    return compressed if len(compressed) < len(body) else None


def decompress(body: bytes) -> bytes:
    """Return the body without gzip.

    Raises:
        ValueError: it is not gzip, is incomplete, or is larger than MAX_BYTES.
    """
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        decompressed = decompressor.decompress(body, MAX_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof:
        raise ValueError("incomplete or too large")
    return decompressed


@lru_cache(maxsize=256)  # browsers and libraries send few different values
def accepts_gzip(accept_encoding: str) -> bool:
    """Return True if the client accepts gzip, and does not prefer the body as it is."""
    accepted = parse_accept_header(accept_encoding, Accept)
    quality = accepted.quality("gzip")
    return quality > 0 and quality >= dict(accepted).get("identity", 0)


def gzip_etag(tag: str) -> str:
    """Return the ETag of the gzip form."""
    return tag + ETAG_SUFFIX


def revision_of(tag: str) -> str:
    """Return the ETag without the suffix of the gzip form."""
    return tag.removesuffix(ETAG_SUFFIX)
