"""Cursors: where a client's next page of a list begins, as a text that only this file reads.

A cursor is base64url of `format version|hash of the filters|position`, where the position is the sort key of
the last item handed out. It names no row, so it outlives that row, and no shard, so it outlives their number.
"""

import base64
import hashlib
import re
from collections.abc import Mapping

import msgspec

from shared.errors import InvalidInput

FORMAT = "1"
MAX_LENGTH = 512


def encode(filters: Mapping[str, object], position: str) -> str:
    """The cursor for what follows `position` under these filters."""
    text = "|".join((FORMAT, _hash(filters), position))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, filters: Mapping[str, object], position_pattern: str) -> str:
    """The position in a cursor.

    Raises:
        InvalidInput: it is damaged, or was made for other filters.
    """
    parts = _text(cursor).split("|", 2)
    if len(parts) != len(("format", "hash", "position")) or parts[0] != FORMAT:
        raise InvalidInput("cursor", "damaged, or not one of this service's")
    if parts[1] != _hash(filters):
        raise InvalidInput("cursor", "made for other filters; a cursor goes with the filters it came from")
    if not re.fullmatch(position_pattern, parts[2]):
        raise InvalidInput("cursor", "damaged, or not one of this service's")
    return parts[2]


def _text(cursor: str) -> str:
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}", cursor):
        return ""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        return ""


def _hash(filters: Mapping[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(filters, order="sorted")).hexdigest()[:16]
