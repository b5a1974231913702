"""Reads the attributes of raw DynamoDB items, and collects pages of a list.

An item written by hand or by another program may have missing or malformed attributes. Such an item is logged
and omitted from lists. Reading it by id raises UnreadableItem.
"""

import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from shared.errors import Unavailable, UnreadableItem

log = logging.getLogger(__name__)

T = TypeVar("T")

RawItem = dict[str, dict[str, Any]]
"""An item in DynamoDB JSON, for example `{"title": {"S": "Hello"}}`."""

MAX_EXAMINED = 100
"""Maximum items that one page of a list examines to find the matching ones."""

VERSION = re.compile("[1-9][0-9]{0,17}")

MALFORMED = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


class MalformedAttribute(ValueError):
    """An attribute is missing or has an invalid type or format. The message is its name."""


def read_text(item: RawItem, name: str) -> str:
    """Return a string attribute that can be encoded as UTF-8."""
    try:
        text: str = item[name]["S"]
        if not text.isascii():
            text.encode()  # raises on a lone surrogate
    except MALFORMED as error:
        raise MalformedAttribute(name) from error
    return text


def read_optional_text(item: RawItem, name: str) -> str | None:
    """Return a string attribute, or None if it is missing or NULL."""
    return None if item.get(name) in (None, {"NULL": True}) else read_text(item, name)


def read_time(item: RawItem, name: str) -> datetime:
    """Return a time attribute in UTC. A time without an offset is malformed."""
    try:
        time = datetime.fromisoformat(item[name]["S"])
        if time.tzinfo is UTC:
            return time
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except MALFORMED as error:
        raise MalformedAttribute(name) from error
    raise MalformedAttribute(name)


def read_version(item: RawItem, name: str = "version") -> int:
    """Return a version number: an integer of at least 1."""
    try:
        if VERSION.fullmatch(item[name]["N"]):
            return int(item[name]["N"])
    except MALFORMED as error:
        raise MalformedAttribute(name) from error
    raise MalformedAttribute(name)


def read_sort_key(item: RawItem) -> str:
    """Return the sort key of an item in an index.

    Raises:
        Unavailable: the sort key is missing, so the response is corrupt: an index has no such items.
    """
    try:
        return read_text(item, "sort")
    except MalformedAttribute as error:
        log.warning("DynamoDB: invalid response: an item in an index has no sort key")
        raise Unavailable("The database returned an invalid response. Try again later.") from error


class ItemReader(Generic[T]):
    """Parses the items of a table, and logs unreadable ones.

    Args:
        table: the table name, for the log.
        parse: converts a raw item to a result, or raises MalformedAttribute.
    """

    def __init__(self, table: str, parse: Callable[[RawItem], T]) -> None:
        self._table = table
        self._parse = parse

    def read(self, item: RawItem) -> T:
        """Return the parsed item.

        Raises:
            UnreadableItem: an attribute is malformed. The log has its name but not its value.
        """
        try:
            return self._parse(item)
        except MalformedAttribute as error:
            raise UnreadableItem(self._log_unreadable(item, error)) from error

    def take_page(
        self,
        items: Iterable[RawItem],
        limit: int,
        sort_key_pattern: str,
        matches: Callable[[RawItem], bool] = lambda _: True,
    ) -> tuple[list[T], str | None]:
        """Return up to `limit` results, and the sort key to start the next page after, or None at the end.

        Args:
            items: the items of the list, in order. The page consumes one more than it examines.
            limit: maximum number of results. The page is shorter if MAX_EXAMINED items have fewer matches.
            sort_key_pattern: regular expression for sort keys that are valid in a cursor.
            matches: returns False for items to omit. Unreadable items are omitted too.

        Raises:
            UnreadableItem: none of the examined items has a sort key that is valid in a cursor.
        """
        page: list[T] = []
        sort_keys: list[str] = []
        for item in items:
            if len(page) == limit or len(sort_keys) == MAX_EXAMINED:
                return page, _last_valid(sort_keys, sort_key_pattern)
            sort_keys.append(read_sort_key(item))
            try:
                if matches(item):
                    page.append(self._parse(item))
            except MalformedAttribute as error:
                self._log_unreadable(item, error)
        return page, None

    def _log_unreadable(self, item: RawItem, error: MalformedAttribute) -> str:
        """Log the id and the attribute name. Return the message for the client, without the attribute."""
        item_id = item.get("id", {}).get("S")
        log.error("DynamoDB: table %s: item %s has a malformed attribute: %s", self._table, item_id, error)
        return f"The stored item {item_id} is malformed. You can delete it."


def _last_valid(sort_keys: list[str], pattern: str) -> str:
    for sort_key in reversed(sort_keys):
        if re.fullmatch(pattern, sort_key):
            return sort_key
    log.error("DynamoDB: none of %d sort keys matches %s", len(sort_keys), pattern)
    raise UnreadableItem("The list cannot continue because stored items have malformed sort keys.")
