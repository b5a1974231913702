"""Validation of the replies of Redis.

Each function raises the reply if that is an error, and InvalidResponse if it has not the expected form.
"""

from typing import Any

from redis.exceptions import InvalidResponse, ResponseError


def values(reply: Any, count: int) -> list[bytes | None]:
    """Return the values that MGET found, None for each that is missing."""
    _raise_error(reply)
    if (
        type(reply) is list
        and len(reply) == count
        and all(each is None or type(each) is bytes for each in reply)
    ):
        return reply
    raise _invalid(reply)


def integer(reply: Any) -> int:
    """Return what DEL replies."""
    _raise_error(reply)
    if type(reply) is int:
        return reply
    raise _invalid(reply)


def is_set(reply: Any) -> bool:
    """Return whether SET with NX has set the key."""
    _raise_error(reply)
    if reply is None or reply == b"OK":
        return reply is not None
    raise _invalid(reply)


def text(reply: Any, expected: bytes) -> None:
    """Accept one text, such as OK."""
    _raise_error(reply)
    if reply != expected:
        raise _invalid(reply)


def _raise_error(reply: Any) -> None:
    if isinstance(reply, ResponseError):
        raise reply


def _invalid(reply: Any) -> InvalidResponse:
    return InvalidResponse(f"unexpected reply: {repr(reply)[:80]}")
