"""Validation of input against a type: the first thing that every service does with it."""

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

# A pattern in a model ends with `\Z`: in Python, `$` also matches before a last line break. In the OpenAPI
# document that is `$`, which ends the text in a JSON schema.
LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\Z"
"""A pattern for one line of text, without control characters."""

LINES = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*\Z"
"""A pattern for text of several lines, without control characters but tabs and line breaks."""

MESSAGES = {
    LINE: "must not contain control characters or line breaks",
    LINES: "must not contain control characters other than tabs and line breaks",
}

SECONDS = slice(17, 19)
"""Where the seconds of an RFC 3339 time are."""

MAX_FRACTION_DIGITS = 9


def validate(data: object, kind: type[S]) -> S:
    """Return plain data, such as parsed JSON, as a struct of that kind.

    Raises:
        InvalidInput: a field is missing, unknown or breaks a constraint of its type.
    """
    try:
        value = msgspec.convert(_with_times(data, kind), kind)
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


def to_utc(field: str, moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        InvalidInput: in UTC it lies outside the years 1 to 9999.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(field, "must lie in the years 1 to 9999 in UTC") from None


def _with_times(data: object, kind: type[msgspec.Struct]) -> object:
    """Return the data with its RFC 3339 times in the form that Python can hold."""
    if not isinstance(data, Mapping):
        return data
    times = {name: data[name] for name in _time_fields(kind) if isinstance(data.get(name), str)}
    return {**data, **{name: _time(name, text) for name, text in times.items()}} if times else data


@cache
def _time_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    info = type_info(kind)
    fields = info.fields if isinstance(info, StructType) else ()
    return frozenset(field.encode_name for field in fields if _is_time(field.type))


def _is_time(kind: Type) -> bool:
    if isinstance(kind, UnionType):
        return any(map(_is_time, kind.types))
    return _is_time(kind.type) if isinstance(kind, Metadata) else isinstance(kind, DateTimeType)


def _time(field: str, text: str) -> str:
    """Return an RFC 3339 time without a leap second: `:60` becomes `:59`.

    Raises:
        InvalidInput: its fraction of a second has too many digits.
    """
    if re.search(rf"\.[0-9]{{{MAX_FRACTION_DIGITS + 1}}}", text):
        raise InvalidInput(field, f"must have at most {MAX_FRACTION_DIGITS} fractional digits")
    return f"{text[: SECONDS.start]}59{text[SECONDS.stop :]}" if text[SECONDS] == "60" else text


def _invalid(text: str) -> InvalidInput:
    """Return the field and the complaint in a message of msgspec's."""
    if named := re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", text, re.DOTALL):
        return InvalidInput(named[2], "is required" if named[1] == "missing required" else "is unknown")
    complaint, _, path = text.partition(" - at `")
    if found := re.fullmatch("Expected `str` matching regex ['\"](.*)['\"]", complaint):
        complaint = _mismatch(found[1].replace(r"\\", "\\"))  # it is quoted as a literal of Python's
    return InvalidInput(path.rstrip("`").removeprefix("$.").removeprefix("$"), complaint)


def _mismatch(pattern: str) -> str:
    return MESSAGES.get(pattern) or "must match `{}`".format(pattern.replace(r"\Z", "$"))
