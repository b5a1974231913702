"""Validates Redis replies.

Each function raises the reply if that is an error, and InvalidResponse if it has an unexpected type or value.
"""

from typing import Any

from redis.exceptions import InvalidResponse, ResponseError


def parse_values(reply: Any, count: int) -> list[bytes | None]:
    """Return the `count` values of MGET, with None for each missing key."""
    _raise_error(reply)
    if (
        type(reply) is list
        and len(reply) == count
        and all(value is None or type(value) is bytes for value in reply)
    ):
        return reply
    raise _invalid(reply)


def parse_integer(reply: Any) -> int:
    """Return the integer of DEL, the number of deleted keys, or of INCR, the new value."""
    _raise_error(reply)
    if type(reply) is int:
        return reply
    raise _invalid(reply)


def parse_set_nx(reply: Any) -> bool:
    """Return True if SET NX set the key, False if the key exists."""
    _raise_error(reply)
    if reply is None or reply == b"OK":
        return reply is not None
    raise _invalid(reply)


def parse_invalidation(replies: list[Any]) -> None:
    """Accept the replies of pairs of DEL and SET. SET may return an error, since DEL is sufficient."""
    for deleted, stored in zip(replies[::2], replies[1::2], strict=True):
        parse_integer(deleted)
        if not isinstance(stored, ResponseError):
            expect(stored, b"OK")


def expect(reply: Any, expected: bytes) -> None:
    """Accept one value only, such as `b"OK"`."""
    _raise_error(reply)
    if reply != expected:
        raise _invalid(reply)


def _raise_error(reply: Any) -> None:
    if isinstance(reply, ResponseError):
        raise reply


def _invalid(reply: Any) -> InvalidResponse:
    return InvalidResponse(f"unexpected reply: {repr(reply)[:80]}")
