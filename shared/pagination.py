"""Cursors: opaque strings that mark where the next page of a list starts.

A cursor is base64url of `format version|hash of the filters|sort key of the last item`. It stays valid
if that item is deleted or the number of shards changes.
"""

import base64
import hashlib
import re
from collections.abc import Mapping

import msgspec

from shared.errors import InvalidInput

FORMAT = "1"
MAX_LENGTH = 512


def encode(filters: Mapping[str, object], sort_key: str) -> str:
    """Return the cursor for the items that follow a sort key under these filters."""
    text = "|".join((FORMAT, _hash(filters), sort_key))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, filters: Mapping[str, object], sort_key_pattern: str) -> str:
    """Return the sort key in a cursor.

    Raises:
        InvalidInput: the cursor is malformed, or belongs to other filters.
    """
    match _decode_text(cursor).split("|", 2):
        case [version, filters_hash, sort_key] if version == FORMAT:
            if filters_hash != _hash(filters):
                raise InvalidInput("cursor", "belongs to other filters; send the filters of the first page")
            if re.fullmatch(sort_key_pattern, sort_key):
                return sort_key
    raise InvalidInput("cursor", "is malformed")


def _decode_text(cursor: str) -> str:
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}", cursor):
        return ""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        return ""


def _hash(filters: Mapping[str, object]) -> str:
    return hashlib.sha256(msgspec.json.encode(filters, order="sorted")).hexdigest()[:16]
