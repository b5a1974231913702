"""DynamoDB's errors: which are temporary, and what they mean to a DAO's caller."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from shared.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html,
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html, and the codes that the
# standard retry mode of botocore tries again. A code may end with "Exception" or not.
THROTTLING_CODES = {
    "429",  # an error without a code has its status
    "BandwidthLimitExceeded",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttled",
    "Throttling",
    "TooManyRequests",
}

TEMPORARY_CODES = {
    "InternalFailure",
    "InternalServerError",
    "LimitExceeded",
    "PriorRequestNotComplete",
    "ReplicatedWriteConflict",
    "RequestTimeout",
    "ServiceUnavailable",
    "TransactionConflict",
    "TransactionInProgress",
    # The credentials have to be refreshed first, or the function was frozen between signing and sending:
    "ExpiredToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
}

EXPIRED_SIGNATURE = re.compile("Signature (expired|not yet current)")
"""The message by which an `InvalidSignatureException` is a matter of time, not of a wrong key."""


@contextmanager
def database_errors(table: str, lost: DomainError | None = None) -> Iterator[None]:
    """Turn PynamoDB's errors into domain errors; a mistake of the service's own passes unchanged.

    Args:
        table: the table's name, for the log.
        lost: the error to raise when the condition of a write fails.

    Raises:
        DomainError: `lost`, where the condition of a write failed.
        Unavailable: DynamoDB throttles, fails, can't be reached or has no such table, or there are no valid
            credentials.
    """
    try:
        yield
    except PynamoDBException as error:
        code = _code(error.cause)
        if code == "ConditionalCheckFailedException" and lost:
            raise lost from error
        if code == "ResourceNotFoundException":
            log.error("table %s does not exist: run `make create-tables` or deploy", table)  # noqa: TRY400
            raise Unavailable("The database is not set up.") from error
        if _is_temporary(error.cause):
            log.warning("DynamoDB, table %s: %s: %.300s", table, code or "unreachable", error)
            raise Unavailable("The database is busy or out of reach; try again later.") from error
        raise


def is_throttling(code: object) -> bool:
    """Return True for the code of a call that was refused for the number of calls."""
    return str(code).removesuffix("Exception") in THROTTLING_CODES


def _is_temporary(cause: Exception | None) -> bool:
    """Decide by the status and the code; an error without a code of AWS's comes from a proxy in between."""
    if isinstance(cause, BotoCoreError):  # no reply, a damaged one, or no credentials
        return True
    if not isinstance(cause, ClientError):
        return False
    code = _code(cause)
    return (
        _status(cause) >= HTTPStatus.INTERNAL_SERVER_ERROR
        or not code
        or code.isdigit()
        or is_throttling(code)
        or code.removesuffix("Exception") in TEMPORARY_CODES
        or bool(EXPIRED_SIGNATURE.search(str(cause)))
    )


def _code(cause: Exception | None) -> str:
    """Return AWS's name of the error, the status as text where the reply has none, or an empty text."""
    response = getattr(cause, "response", None) or {}  # PynamoDB's `cause_response_code` fails on None
    return str(response.get("Error", {}).get("Code", ""))


def _status(error: Exception) -> int:
    """Return the status of the reply; PynamoDB's error lacks it, botocore's behind it has it."""
    response = getattr(error.__cause__, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
