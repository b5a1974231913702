"""Batches of reads and writes, with a limited number of tries and growing pauses between them."""

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pynamodb.models import Model

from shared.dynamodb.items import RawItem
from shared.errors import Unavailable

T = TypeVar("T")

BATCH_TRIES = 8
BATCH_PAUSE_SECONDS = 0.05
"""The longest pause before the second try of a batch; it doubles with each further try."""


def get_items(model: type[Model], ids: Sequence[str], sleep: Callable[[float], None]) -> list[RawItem]:
    """Return those of at most 100 items that exist, as of the last write, in any order.

    Raises:
        Unavailable: DynamoDB left some of the keys unprocessed, however often they were sent again.
    """
    connection = model._get_connection()  # noqa: SLF001  # there is no public way to it
    found: list[RawItem] = []

    def send(left: Sequence[str]) -> list[str]:
        keys: Any = [{"id": item_id} for item_id in left]
        reply = connection.batch_get_item(keys, consistent_read=True)
        found.extend(item for items in reply["Responses"].values() for item in items)
        unprocessed = reply.get("UnprocessedKeys", {}).values()
        return [key["id"]["S"] for table in unprocessed for key in table["Keys"]]

    _send_until_processed(send, ids, sleep)
    return found


def put_items(items: Sequence[Model], sleep: Callable[[float], None]) -> None:
    """Store at most 25 items, over whatever is there.

    Raises:
        Unavailable: DynamoDB left some of them unprocessed, however often they were sent again.
    """

    def send(left: Sequence[RawItem]) -> list[RawItem]:
        connection = items[0]._get_connection()  # noqa: SLF001
        reply = connection.batch_write_item(put_items=left)
        unprocessed = reply.get("UnprocessedItems", {}).values()
        return [write["PutRequest"]["Item"] for writes in unprocessed for write in writes]

    _send_until_processed(send, [item.serialize() for item in items], sleep)


def _send_until_processed(
    send: Callable[[Sequence[T]], list[T]], batch: Sequence[T], sleep: Callable[[float], None]
) -> None:
    """Send a batch, and again what `send` returns as unprocessed."""
    left = batch
    for attempt in range(BATCH_TRIES):
        if not left:
            return
        if attempt:
            longest = BATCH_PAUSE_SECONDS * 2 ** (attempt - 1)
            sleep(random.uniform(0, longest))  # noqa: S311  # nosec B311  # jitter
        left = send(left)
    if left:
        raise Unavailable(f"The database is busy: {len(left)} of {len(batch)} items were not processed.")
