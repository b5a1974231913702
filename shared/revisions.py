"""Helpers for services that change items: check the expected revision, and recognize an SDK retry."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from shared.errors import Conflict, Stale, UnreadableItem


class Revised(Protocol):
    """An item with a revision: the value of its ETag, unique to one state of the item."""

    @property
    def id(self) -> str:
        """The id."""

    @property
    def revision(self) -> str:
        """The revision."""


T = TypeVar("T", bound=Revised)


def get_in_revision(get: Callable[[str], T], item_id: str, expected: Container[str]) -> T:
    """Return an item if its revision is one of the expected ones.

    Args:
        get: returns the item with an id, or raises UnreadableItem.
        item_id: its id.
        expected: revisions.

    Raises:
        Stale: the item has another revision, or is unreadable.
    """
    try:
        item = get(item_id)
    except UnreadableItem as error:
        raise Stale(f"The item {item_id} is unreadable; its revision is unknown.") from error
    if item.revision not in expected:
        raise Stale(f"The item {item.id} was changed; get it again for its current ETag.")
    return item


@contextmanager
def accept_own_retry(is_done: Callable[[], bool]) -> Iterator[None]:
    """Suppress the failed condition of a write that is done.

    If the response to a write is lost, the AWS SDK sends the write again. The condition of the second one
    fails because of the first.

    Args:
        is_done: reads from the table, and returns whether the write is done.

    Raises:
        Conflict: the write was not done, since another item has this key.
        Stale: the write was not done, since another client changed the item.
    """
    try:
        yield
    except (Conflict, Stale):
        if not is_done():
            raise
