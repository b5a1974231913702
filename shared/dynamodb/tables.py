"""Binds PynamoDB models to a stage's tables, stores times, gets items and runs queries."""

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
from shared.dynamodb.connection import StrictConnection
from shared.dynamodb.items import MAX_EXAMINED, RawItem
from shared.errors import Unavailable

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)

MAX_EMPTY_PAGES = 10
"""Maximum consecutive empty pages of a query. Without a filter expression, DynamoDB returns at most one, the
last."""


class TimestampAttribute(Attribute[datetime]):
    """A time in UTC, stored as text. PynamoDB's UTCDateTimeAttribute cannot read years before 1000."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """Return the time as text of fixed width."""
        return timestamp(value)

    def deserialize(self, value: str) -> datetime:
        """Parse the stored text."""
        return datetime.fromisoformat(value)


def bind(model: type[M], table: str, settings: Settings) -> type[M]:
    """Return a subclass of the model for a stage's table, with a thread-safe client.

    Args:
        model: a model without `Meta`.
        table: the table name.
        settings: supply the region and the endpoint.
    """

    class Meta:
        table_name = table
        billing_mode = PAY_PER_REQUEST_BILLING_MODE

    bound: type[M] = type(model.__name__, (model,), {"Meta": Meta})
    table_connection = bound._get_connection()  # noqa: SLF001  # PynamoDB has no public API for it
    connection = StrictConnection(
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
        connection.client  # noqa: B018  # created now, since concurrent threads would each create one
    except BotoCoreError as error:
        log.warning("DynamoDB: table %s: no client at startup, retrying on first use: %s", table, error)
    return bound


def get_item(model: type[Model], key: str) -> RawItem | None:
    """Return an item with a consistent read, or None."""
    response = model._get_connection().get_item(key, consistent_read=True)  # noqa: SLF001  # Model.get parses the item
    return cast("RawItem | None", response.get("Item"))


def first_page_size(count: int, partitions: int) -> int:
    """Return the `Limit` of the first query to each partition, to get `count` items from all of them.

    With several partitions it is twice the even share plus one, so a second query is rarely needed.
    """
    return min(count, 2 * -(-count // partitions) + 1)


def query_items(query: ResultIterator[M]) -> Iterator[RawItem]:
    """Yield the raw items of a query, MAX_EXAMINED + 1 at most.

    Each request doubles the page size of the previous one. The items stay raw because creating PynamoDB
    models for 20 items takes half as long as the query.

    Raises:
        Unavailable: DynamoDB returns MAX_EMPTY_PAGES consecutive empty pages.
    """
    pages = query.page_iter
    remaining, empty_pages = MAX_EXAMINED + 1, 0
    for page in pages:
        yield from page["Items"]
        remaining -= len(page["Items"])
        if not pages.last_evaluated_key or remaining <= 0:  # some emulators end with an empty key
            return
        empty_pages = 0 if page["Items"] else empty_pages + 1
        if empty_pages == MAX_EMPTY_PAGES:
            log.warning("DynamoDB: a query returned %d consecutive empty pages", empty_pages)
            raise Unavailable("The database returns only empty pages. Try again later.")
        pages.page_size = min(2 * cast("int", pages.page_size), remaining)
