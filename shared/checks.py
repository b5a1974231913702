"""Checks of input against a type: what every service does first with what it is given."""

import re
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from shared.constants import MAX_LIMIT
from shared.errors import InvalidInput

S = TypeVar("S", bound=msgspec.Struct)


def checked(data: object, kind: type[S]) -> S:
    """Plain data, such as parsed JSON, as a struct of that kind.

    Raises:
        InvalidInput: a field is missing, unknown or breaks a constraint of its type.
    """
    try:
        value = msgspec.convert(data, kind)
        msgspec.json.encode(value)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except UnicodeEncodeError:
        raise InvalidInput("", "a text holds half of a surrogate pair") from None
    return value


def page_size(text: str) -> int:
    """How many items a page is to have at most, as `limit` says it.

    Raises:
        InvalidInput: it is no number, or too small or too large.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text) or int(text) > MAX_LIMIT:
        raise InvalidInput("limit", f"must be a number from 1 to {MAX_LIMIT}")
    return int(text)


def in_utc(field: str, moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        InvalidInput: in UTC it lies outside the years 1 to 9999.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(field, "must lie in the years 1 to 9999 in UTC") from None


def _invalid(text: str) -> InvalidInput:
    """The field and the complaint in a message of msgspec's."""
    if named := re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", text, re.DOTALL):
        return InvalidInput(named[2], "is required" if named[1] == "missing required" else "is unknown")
    complaint, _, path = text.partition(" - at `")
    return InvalidInput(path.rstrip("`").removeprefix("$.").removeprefix("$"), complaint)
