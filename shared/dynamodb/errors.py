"""Maps PynamoDB exceptions to domain exceptions."""

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
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html, and the codes that
# botocore's standard retry mode retries. The suffix "Exception" is optional.
THROTTLING_CODES = {
    "429",  # botocore uses the status code if the response has no error code
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
    # Expired credentials, or Lambda froze the function between signing and sending:
    "ExpiredToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
}

EXPIRED_SIGNATURE = re.compile("Signature (expired|not yet current)")
"""Message of an InvalidSignatureException that is temporary; otherwise the secret key is wrong."""


@contextmanager
def database_errors(table: str, on_condition_failed: DomainError | None = None) -> Iterator[None]:
    """Convert PynamoDB exceptions to domain exceptions. Errors caused by a bug in the service pass unchanged.

    Args:
        table: the table name, for the log.
        on_condition_failed: the error to raise if the condition of a write fails.

    Raises:
        DomainError: `on_condition_failed`, if the condition of a write failed.
        Unavailable: DynamoDB throttles, fails or is unreachable, the table does not exist, or there are no
            valid credentials.
    """
    try:
        yield
    except PynamoDBException as error:
        code = _code(error.cause)
        if code == "ConditionalCheckFailedException" and on_condition_failed:
            raise on_condition_failed from error
        if code == "ResourceNotFoundException":
            log.error("DynamoDB: table %s does not exist: run `make create-tables` or deploy", table)  # noqa: TRY400
            raise Unavailable("The database is not set up.") from error
        if _is_temporary(error.cause):
            log.warning("DynamoDB: table %s: %s: %.300s", table, code or "unreachable", error)
            raise Unavailable("The database is busy or unreachable. Try again later.") from error
        raise


def is_throttling(code: object) -> bool:
    """Return True if the error code means that DynamoDB throttled the request."""
    return str(code).removesuffix("Exception") in THROTTLING_CODES


def _is_temporary(cause: Exception | None) -> bool:
    """Return True if a retry may succeed. An error without an AWS error code comes from a proxy."""
    if isinstance(cause, BotoCoreError):  # no response, an invalid one, or no credentials
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
    """Return the AWS error code, the status code as text if there is none, or an empty string."""
    response = getattr(cause, "response", None) or {}  # PynamoDB's `cause_response_code` raises on None
    return str(response.get("Error", {}).get("Code", ""))


def _status(error: Exception) -> int:
    """Return the HTTP status code, or 0. Only botocore's error, the `__cause__` of PynamoDB's, has it."""
    response = getattr(error.__cause__, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
