"""Validation of input against msgspec types."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

import msgspec
from msgspec.inspect import DateTimeType, Metadata, StructType, Type, UnionType, type_info

from shared.constants import MAX_LIMIT
from shared.errors import InvalidInput

S = TypeVar("S", bound=msgspec.Struct)

# Patterns end with `\Z`: in Python, `$` also matches before a trailing line break. The OpenAPI document
# has `$` instead, which in JSON Schema matches only the end of the string.
LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\Z"
"""A pattern for a single line of text without control characters."""

LINES = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*\Z"
"""A pattern for text without control characters other than tabs and line breaks."""

MESSAGES = {
    LINE: "must not contain control characters or line breaks",
    LINES: "must not contain control characters other than tabs and line breaks",
}

SECONDS = slice(17, 19)
"""The position of the seconds in an RFC 3339 time."""

MAX_FRACTION_DIGITS = 9


def validate(data: object, struct_type: type[S]) -> S:
    """Return plain data, such as parsed JSON, as an instance of a struct type.

    Raises:
        InvalidInput: a field is missing, unknown or breaks a constraint of its type.
    """
    try:
        value = msgspec.convert(_replace_leap_seconds(data, struct_type), struct_type)
        msgspec.json.encode(value)
    except msgspec.ValidationError as error:
        raise _to_invalid_input(str(error)) from None
    except UnicodeEncodeError:
        raise InvalidInput("", "a string contains an unpaired surrogate") from None
    return value


def parse_limit(text: str) -> int:
    """Return the maximum number of items per page from the `limit` parameter.

    Raises:
        InvalidInput: the limit is not a number from 1 to MAX_LIMIT.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text) or int(text) > MAX_LIMIT:
        raise InvalidInput("limit", f"must be a number from 1 to {MAX_LIMIT}")
    return int(text)


def to_utc(field: str, moment: datetime) -> datetime:
    """Return a time in UTC.

    Raises:
        InvalidInput: the time in UTC is outside the years 1 to 9999.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(field, "must be in the years 1 to 9999 in UTC") from None


def _replace_leap_seconds(data: object, struct_type: type[msgspec.Struct]) -> object:
    """Return the data with leap seconds replaced in its RFC 3339 times: Python cannot represent them."""
    if not isinstance(data, Mapping):
        return data
    fields = [name for name in _time_fields(struct_type) if isinstance(data.get(name), str)]
    times = {name: _replace_leap_second(name, data[name]) for name in fields}
    return {**data, **times} if times else data


@cache
def _time_fields(struct_type: type[msgspec.Struct]) -> frozenset[str]:
    info = type_info(struct_type)
    fields = info.fields if isinstance(info, StructType) else ()
    return frozenset(field.encode_name for field in fields if _is_time(field.type))


def _is_time(field_type: Type) -> bool:
    if isinstance(field_type, UnionType):
        return any(map(_is_time, field_type.types))
    if isinstance(field_type, Metadata):
        return _is_time(field_type.type)
    return isinstance(field_type, DateTimeType)


def _replace_leap_second(field: str, text: str) -> str:
    """Return an RFC 3339 time in which second 60 is second 59.

    Raises:
        InvalidInput: the fraction of a second has too many digits.
    """
    if re.search(rf"\.[0-9]{{{MAX_FRACTION_DIGITS + 1}}}", text):
        raise InvalidInput(field, f"must have at most {MAX_FRACTION_DIGITS} fractional digits")
    return f"{text[: SECONDS.start]}59{text[SECONDS.stop :]}" if text[SECONDS] == "60" else text


def _to_invalid_input(text: str) -> InvalidInput:
    """Return a msgspec error message as InvalidInput with a field and a message."""
    if match := re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", text, re.DOTALL):
        return InvalidInput(match[2], "is required" if match[1] == "missing required" else "is unknown")
    message, _, path = text.partition(" - at `")
    if match := re.fullmatch("Expected `str` matching regex ['\"](.*)['\"]", message):
        message = _pattern_message(match[1].replace(r"\\", "\\"))  # undo msgspec's escaping
    return InvalidInput(path.rstrip("`").removeprefix("$.").removeprefix("$"), message)


def _pattern_message(pattern: str) -> str:
    return MESSAGES.get(pattern) or "must match `{}`".format(pattern.replace(r"\Z", "$"))
