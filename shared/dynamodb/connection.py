"""The connection to DynamoDB: timeouts, credentials, response validation and metrics.

It closes three gaps of PynamoDB and botocore. The connect timeout does not cover name resolution or a name
with many addresses. Loading credentials over the network can take minutes. And botocore parses a truncated or
foreign response with status 200 as an empty one, which looks like "no such item".
"""

import json
from typing import Any, cast
from zlib import crc32

from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoCredentialsError
from pynamodb.connection._botocore_private import BotocoreBaseClientPrivate
from pynamodb.connection.base import Connection
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError

from shared.constants import DYNAMODB_CONNECT_TIMEOUT_SECONDS, DYNAMODB_CREDENTIALS_TIMEOUT_SECONDS
from shared.deadline import call_with_deadline
from shared.dynamodb.errors import is_throttling
from shared.observability.context import request_context

REQUIRED_MEMBERS = {"Query": {"Count", "Items", "ScannedCount"}, "BatchGetItem": {"Responses"}}
"""Members that every response of an operation contains."""


class InvalidResponseError(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """A response that is corrupt or not from DynamoDB. PynamoDB wraps it like botocore's own errors."""

    fmt = "invalid response: {reason}"


class StrictConnection(Connection):
    """PynamoDB's connection with enforced timeouts and validated responses."""

    @property
    def client(self) -> BotocoreBaseClientPrivate:
        """The botocore client, with valid credentials.

        Raises:
            BotoCoreError: there are no credentials, or loading them failed or timed out.
        """
        if not self._has_valid_credentials():
            self._load_with_deadline()
        return cast("BotocoreBaseClientPrivate", self._client)

    def _has_valid_credentials(self) -> bool:
        credentials = self._client._request_signer._credentials if self._client else None  # noqa: SLF001
        if isinstance(credentials, RefreshableCredentials):
            return not credentials.refresh_needed()
        return credentials is not None

    def _load_with_deadline(self) -> None:
        try:
            call_with_deadline(DYNAMODB_CREDENTIALS_TIMEOUT_SECONDS, self._load)
        except BotoCoreError:
            raise
        except Exception as error:  # for example a missing token file, an STS error, or the deadline
            reason = f"{type(error).__name__}: {error}"
            raise CredentialRetrievalError(provider="DynamoDB's", error_msg=reason) from error

    def _load(self) -> None:
        client = super().client
        _extend(client)
        credentials = client._request_signer._credentials  # noqa: SLF001
        if credentials is None:
            raise NoCredentialsError
        credentials.get_frozen_credentials()  # refreshes them if needed


class ConnectDeadlineMixin(HTTPConnection):
    """Applies one deadline to name resolution, all addresses, TLS and a proxy tunnel."""

    def connect(self) -> None:
        """Connect, or raise ConnectTimeoutError after the deadline."""
        try:
            call_with_deadline(
                DYNAMODB_CONNECT_TIMEOUT_SECONDS, super().connect, discard=lambda _: self.close()
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from error


def _extend(client: BotocoreBaseClientPrivate) -> None:
    """Register metrics and response validation, and set the connect deadline. Idempotent."""
    events = client.meta.events
    events.register("response-received.dynamodb", _record_metrics, unique_id="record-metrics")
    events.register("after-call.dynamodb", _validate_response, unique_id="validate-response")
    events.register("after-call-error.dynamodb", _wrap_error, unique_id="wrap-error")
    pools = client._endpoint.http_session._pool_classes_by_scheme  # noqa: SLF001  # no public API
    for scheme, pool in pools.items():
        if not issubclass(pool.ConnectionCls, ConnectDeadlineMixin):
            connection = type("DeadlineConnection", (ConnectDeadlineMixin, pool.ConnectionCls), {})
            pools[scheme] = type("DeadlinePool", (pool,), {"ConnectionCls": connection})


def _record_metrics(parsed_response: dict[str, Any] | None, **_: object) -> None:
    """Count one attempt and its consumed capacity. PynamoDB sets `ReturnConsumedCapacity`."""
    context, response = request_context(), parsed_response or {}
    consumed = response.get("ConsumedCapacity") or []
    per_table = consumed if isinstance(consumed, list) else [consumed]  # batch operations return a list
    context.dynamodb_calls += 1
    context.dynamodb_capacity_units += sum(capacity.get("CapacityUnits", 0.0) for capacity in per_table)
    if is_throttling(response.get("Error", {}).get("Code")):
        context.increment("dynamodb_throttled_requests")


def _validate_response(http_response: Any, parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Reject a response that DynamoDB cannot have sent.

    An empty object is valid: GetItem returns it if the item does not exist.

    Raises:
        InvalidResponseError: the response is corrupt or not from DynamoDB.
    """
    status = http_response.status_code
    if status >= 300:  # noqa: PLR2004  # botocore raises ClientError for these
        if not isinstance(parsed.get("Error", {}).get("Code"), str):
            raise InvalidResponseError(reason=f"status {status} with a malformed error code")
        return
    checksum = http_response.headers.get("x-amz-crc32")  # botocore ignores a mismatch in its last attempt
    if checksum and checksum != str(crc32(http_response.content)):
        raise InvalidResponseError(reason="wrong checksum")
    is_known = not parsed.keys().isdisjoint(model.output_shape.members)
    if not (is_known or _is_empty_object(http_response.content)):
        raise InvalidResponseError(reason=f"status {status} without a member of {model.name}")
    if missing := REQUIRED_MEMBERS.get(model.name, set()) - parsed.keys():
        raise InvalidResponseError(reason=f"{model.name} without {', '.join(sorted(missing))}")


def _is_empty_object(body: bytes) -> bool:
    try:
        return bool(json.loads(body) == {})
    except ValueError:
        return False


def _wrap_error(exception: Exception, **_: object) -> None:
    """Convert an error of the parser or signer to a BotoCoreError, because PynamoDB wraps only those."""
    if not isinstance(exception, BotoCoreError):
        raise InvalidResponseError(reason=f"{type(exception).__name__}: {exception}") from exception
