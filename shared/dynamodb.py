"""DynamoDB for daos: how a table is bound to a stage, how a moment is stored, and what errors mean."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE, STRING
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from shared.clock import timestamp
from shared.config import Settings
from shared.constants import DYNAMODB_CONNECT_TIMEOUT_SECONDS, DYNAMODB_READ_TIMEOUT_SECONDS, DYNAMODB_RETRIES
from shared.errors import DomainError, Unavailable
from shared.observed import observed

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Model)

RawRow = dict[str, dict[str, Any]]
"""A row in DynamoDB's own form: of each attribute its type and its value, as `{"title": {"S": "Hello"}}`."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
OVERLOADED = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
}

THROTTLED = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}


class TimestampAttribute(Attribute[datetime]):
    """A moment in UTC; PynamoDB's own attribute can't read back the years before 1000."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        """Write it in fixed width."""
        return timestamp(value)

    def deserialize(self, value: str) -> datetime:
        """Read what `serialize` wrote."""
        return datetime.fromisoformat(value)


def bind(model: type[M], table: str, settings: Settings) -> type[M]:
    """The model on a stage's table, with a client that is ready to be shared by threads."""

    class Meta:
        table_name = table
        region = settings.region
        host = settings.dynamodb_endpoint
        billing_mode = PAY_PER_REQUEST_BILLING_MODE
        connect_timeout_seconds = DYNAMODB_CONNECT_TIMEOUT_SECONDS
        read_timeout_seconds = DYNAMODB_READ_TIMEOUT_SECONDS
        max_retry_attempts = DYNAMODB_RETRIES

    bound: type[M] = type(model.__name__, (model,), {"Meta": Meta})
    # Threads that call a new connection at once would each build a botocore client of their own.
    client = bound._get_connection().connection.client  # noqa: SLF001  # there is no public way to build it
    client.meta.events.register("response-received.dynamodb", _count)
    return bound


def _count(parsed_response: dict[str, Any] | None, **_: object) -> None:
    """Count a request to DynamoDB, each try of it; PynamoDB asks for the consumed capacity by itself."""
    seen, answer = observed(), parsed_response or {}
    consumed = answer.get("ConsumedCapacity") or []
    each = consumed if isinstance(consumed, list) else [consumed]  # a batch may touch several tables
    seen.dynamodb_calls += 1
    seen.dynamodb_units += sum(one.get("CapacityUnits", 0.0) for one in each)
    if answer.get("Error", {}).get("Code") in THROTTLED:
        seen.meet("dynamodb_throttles")


def raw_rows(results: ResultIterator[M]) -> Iterator[RawRow]:
    """The rows of a query as they come: to make PynamoDB's objects of 20 takes half as long as the query."""
    for page in results.page_iter:
        yield from page["Items"]


@contextmanager
def database_errors(table: str, lost: DomainError | None = None) -> Iterator[None]:
    """Turn PynamoDB's errors into what they mean; a mistake of ours passes as it is.

    Args:
        table: the table's name, for the log.
        lost: what it means here that a conditional write was lost.

    Raises:
        DomainError: `lost`, where the condition of a write failed.
        Unavailable: DynamoDB throttles, can't be reached, or has no such table.
    """
    try:
        yield
    except PynamoDBException as error:
        code = _code(error)
        if code == "ConditionalCheckFailedException" and lost:
            raise lost from error
        if code == "ResourceNotFoundException":
            log.error("table %s does not exist: create it with `make tables`, or deploy the stack", table)  # noqa: TRY400
            raise Unavailable("The database is not set up.") from error
        if code is None or code in OVERLOADED:  # without a code, no answer came
            log.warning("DynamoDB, table %s: %s: %s", table, code or "unreachable", error)
            raise Unavailable("The database is busy or out of reach; try again later.") from error
        raise


def _code(error: PynamoDBException) -> str | None:
    """DynamoDB's name for the error, or None where no answer came.

    PynamoDB's own `cause_response_code` fails on a time-out, whose response is None.
    """
    response = getattr(error.cause, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code
