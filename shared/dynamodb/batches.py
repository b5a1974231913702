"""Batch reads and writes with a limited number of attempts and exponential backoff."""

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pynamodb.models import Model

from shared.dynamodb.items import RawItem
from shared.errors import Unavailable

T = TypeVar("T")

BATCH_ATTEMPTS = 8
BATCH_BACKOFF_SECONDS = 0.05
"""Maximum delay before the second attempt. It doubles with each further attempt."""


def get_items(model: type[Model], ids: Sequence[str], sleep: Callable[[float], None]) -> list[RawItem]:
    """Return the items that exist, with a consistent read and in any order.

    Args:
        model: a model bound to a table.
        ids: at most 100 ids, DynamoDB's limit for BatchGetItem.
        sleep: called with the seconds to wait before a retry.

    Raises:
        Unavailable: some keys were still unprocessed after BATCH_ATTEMPTS.
    """
    connection = model._get_connection()  # noqa: SLF001  # PynamoDB has no public API for it
    result: list[RawItem] = []

    def send(pending: Sequence[str]) -> list[str]:
        keys: Any = [{"id": item_id} for item_id in pending]
        response = connection.batch_get_item(keys, consistent_read=True)
        result.extend(item for items in response["Responses"].values() for item in items)
        unprocessed = response.get("UnprocessedKeys", {}).values()
        return [key["id"]["S"] for table in unprocessed for key in table["Keys"]]

    _send_until_processed(send, ids, sleep)
    return result


def put_items(items: Sequence[Model], sleep: Callable[[float], None]) -> None:
    """Store items and overwrite existing ones.

    Args:
        items: at most 25 items, DynamoDB's limit for BatchWriteItem.
        sleep: called with the seconds to wait before a retry.

    Raises:
        Unavailable: some items were still unprocessed after BATCH_ATTEMPTS.
    """

    def send(pending: Sequence[RawItem]) -> list[RawItem]:
        connection = items[0]._get_connection()  # noqa: SLF001
        response = connection.batch_write_item(put_items=pending)
        unprocessed = response.get("UnprocessedItems", {}).values()
        return [write["PutRequest"]["Item"] for writes in unprocessed for write in writes]

    _send_until_processed(send, [item.serialize() for item in items], sleep)


def _send_until_processed(
    send: Callable[[Sequence[T]], list[T]], batch: Sequence[T], sleep: Callable[[float], None]
) -> None:
    """Send a batch, and resend the part that `send` returns as unprocessed."""
    pending = batch
    for attempt in range(BATCH_ATTEMPTS):
        if not pending:
            return
        if attempt:
            max_delay = BATCH_BACKOFF_SECONDS * 2 ** (attempt - 1)
            sleep(random.uniform(0, max_delay))  # noqa: S311  # nosec B311  # full jitter
        pending = send(pending)
    if pending:
        raise Unavailable(f"The database is busy: {len(pending)} of {len(batch)} items were not processed.")
