"""DynamoDB for DAOs: how a table is bound to a stage, how a time is stored, and how items are fetched."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar, cast

from botocore.exceptions import BotoCoreError
from pynamodb.attributes import Attribute
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE, STRING
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from shared.clock import timestamp
from shared.config import Settings
from shared.constants import (
    DYNAMODB_CONNECT_TIMEOUT_SECONDS,
    DYNAMODB_MAX_CONNECTIONS,
    DYNAMODB_READ_TIMEOUT_SECONDS,
    DYNAMODB_RETRIES,
)
from shared.dynamodb.connection import LimitedConnection
from shared.dynamodb.items import MAX_EXAMINED, RawItem
from shared.errors import Unavailable

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)

MAX_EMPTY_PAGES = 10
"""Pages without an item, one after the other, until a query is given up: without a filter expression DynamoDB
sends one at most, at the end."""


class TimestampAttribute(Attribute[datetime]):
    """A time in UTC; PynamoDB's own attribute can't read back the years before 1000."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """Write it in fixed width."""
        return timestamp(value)

    def deserialize(self, value: str) -> datetime:
        """Read what `serialize` wrote."""
        return datetime.fromisoformat(value)


def bind(model: type[M], table: str, settings: Settings) -> type[M]:
    """Return the model on a stage's table, with a client that threads can share."""

    class Meta:
        table_name = table
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    bound: type[M] = type(model.__name__, (model,), {"Meta": Meta})
    table_connection = bound._get_connection()  # noqa: SLF001  # there is no public way to it
    connection = LimitedConnection(
        region=settings.region,
        host=settings.dynamodb_endpoint,
        connect_timeout_seconds=DYNAMODB_CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=DYNAMODB_READ_TIMEOUT_SECONDS,
        max_retry_attempts=DYNAMODB_RETRIES,
        max_pool_connections=DYNAMODB_MAX_CONNECTIONS,
    )
    connection.add_meta_table(table_connection.get_meta_table())
    table_connection.connection = connection
    try:
        connection.client  # noqa: B018  # built now: threads that start together would each build one
    except BotoCoreError as error:
        log.warning("DynamoDB, table %s: %s; the first call tries again", table, error)
    return bound


def get_item(model: type[Model], key: str) -> RawItem | None:
    """Return an item as of the last write, or None."""
    reply = model._get_connection().get_item(key, consistent_read=True)  # noqa: SLF001  # Model.get can't be read raw
    return cast("RawItem | None", reply.get("Item"))


def first_page_size(count: int, partitions: int) -> int:
    """Return how many items to ask each partition for, so that they have `count` in sight together.

    Of several partitions, each is asked for twice its even share and one more, which is rarely too few.
    """
    return min(count, 2 * -(-count // partitions) + 1)


def query_items(query: ResultIterator[M]) -> Iterator[RawItem]:
    """Yield the items of a query raw: to make PynamoDB's objects of 20 takes half as long as the query.

    Each further request asks for twice as many items as the one before, and all of them together for no more
    than a page may examine, and one.

    Raises:
        Unavailable: DynamoDB sends one empty page after the other.
    """
    pages = query.page_iter
    left, empty_pages = MAX_EXAMINED + 1, 0
    for page in pages:
        yield from page["Items"]
        left -= len(page["Items"])
        if not pages.last_evaluated_key or left <= 0:  # some emulators end with an empty key instead of none
            return
        empty_pages = 0 if page["Items"] else empty_pages + 1
        if empty_pages == MAX_EMPTY_PAGES:
            log.warning("DynamoDB sent %d empty pages of a query, one after the other", empty_pages)
            raise Unavailable("The database sends empty pages only; try again later.")
        pages.page_size = min(2 * cast("int", pages.page_size), left)
