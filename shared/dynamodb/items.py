"""Items as DynamoDB returns them: reading attributes, and taking a page of a list.

An item that was edited by hand, or written by something else, can lack an attribute or have one of another
type. Such an item is logged and left out of lists; to read it by its id raises `UnreadableItem`.
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
"""An item in DynamoDB's own form: the type and the value of each attribute, `{"title": {"S": "Hello"}}`."""

MAX_EXAMINED = 100
"""Items that one page of a list may go through to find those that it shows."""

VERSION = re.compile("[1-9][0-9]{0,17}")

MALFORMED = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


class MalformedAttribute(ValueError):
    """An attribute is missing, or its type or form is another; the text is its name."""


def read_text(item: RawItem, name: str) -> str:
    """Return a text that can be encoded."""
    try:
        text: str = item[name]["S"]
        if not text.isascii():
            text.encode()  # fails on half of a surrogate pair
    except MALFORMED as error:
        raise MalformedAttribute(name) from error
    return text


def read_optional_text(item: RawItem, name: str) -> str | None:
    """Return a text, or None where the attribute is missing or NULL."""
    return None if item.get(name) in (None, {"NULL": True}) else read_text(item, name)


def read_time(item: RawItem, name: str) -> datetime:
    """Return a time in UTC; one without an offset is malformed."""
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
    """Return a version number, which is 1 or more."""
    try:
        if VERSION.fullmatch(item[name]["N"]):
            return int(item[name]["N"])
    except MALFORMED as error:
        raise MalformedAttribute(name) from error
    raise MalformedAttribute(name)


def read_sort_key(item: RawItem) -> str:
    """Return the sort key of an item in an index.

    Raises:
        Unavailable: there is none; since an index has no such item, the reply is damaged.
    """
    try:
        return read_text(item, "sort")
    except MalformedAttribute as error:
        log.warning("DynamoDB sent an item of an index without its sort key")
        raise Unavailable("The database sent a damaged reply; try again later.") from error


class ItemReader(Generic[T]):
    """Makes results of a table's items, and logs the items that cannot be read.

    Args:
        table: the table's name, for the log.
        parse: makes the result of an item, or raises `MalformedAttribute`.
    """

    def __init__(self, table: str, parse: Callable[[RawItem], T]) -> None:
        self._table = table
        self._parse = parse

    def read(self, item: RawItem) -> T:
        """Return the result of an item.

        Raises:
            UnreadableItem: an attribute is malformed; the log names item and attribute, not the value.
        """
        try:
            return self._parse(item)
        except MalformedAttribute as error:
            raise UnreadableItem(self._log(item, error)) from error

    def take_page(
        self,
        items: Iterable[RawItem],
        limit: int,
        sort_key_pattern: str,
        matches: Callable[[RawItem], bool] = lambda _: True,
    ) -> tuple[list[T], str | None]:
        """Return up to `limit` results, and the sort key to go on after, or None at the end.

        Args:
            items: the items of a list in its order; one more is taken than the page examines.
            limit: the largest number of results. After MAX_EXAMINED items the page ends with fewer.
            sort_key_pattern: the form of a sort key that a cursor takes.
            matches: returns False for an item to leave out; one that cannot be read is left out, too.

        Raises:
            UnreadableItem: none of MAX_EXAMINED items has a sort key from which a cursor could go on.
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
                self._log(item, error)
        return page, None

    def _log(self, item: RawItem, error: MalformedAttribute) -> str:
        """Log the item and the attribute, and return what a client may know."""
        item_id = item.get("id", {}).get("S")
        log.error("table %s: item %s cannot be read: malformed attribute %s", self._table, item_id, error)
        return f"The stored item {item_id} cannot be read; it can be deleted."


def _last_valid(sort_keys: list[str], pattern: str) -> str:
    for sort_key in reversed(sort_keys):
        if re.fullmatch(pattern, sort_key):
            return sort_key
    log.error("no sort key of %d items has the form %s", len(sort_keys), pattern)
    raise UnreadableItem("The list cannot go on: the stored items have malformed sort keys.")
