"""The connection of a DAO's table: time limits, credentials, damaged replies, and counters.

Three things that PynamoDB and botocore leave open are closed here. Name resolution, and a name with many
addresses, can take longer than the connect timeout. Credentials that come over the network can take minutes.
And botocore reads a truncated or foreign reply with status 200 as an empty one, that is, as "no such item".
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
"""Members that DynamoDB never leaves out of a reply, by operation."""


class UnusableReply(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """A reply that is damaged, or not DynamoDB's; PynamoDB wraps it as it wraps botocore's own errors."""

    fmt = "unusable reply: {reason}"


class LimitedConnection(Connection):
    """PynamoDB's connection with a client that keeps its time limits and checks replies."""

    @property
    def client(self) -> BotocoreBaseClientPrivate:
        """The botocore client, with credentials that are valid.

        Raises:
            BotoCoreError: there are no credentials, or they could not be loaded in time.
        """
        if not self._has_valid_credentials():
            self._load_in_time()
        return cast("BotocoreBaseClientPrivate", self._client)

    def _has_valid_credentials(self) -> bool:
        credentials = self._client._request_signer._credentials if self._client else None  # noqa: SLF001
        if isinstance(credentials, RefreshableCredentials):
            return not credentials.refresh_needed()
        return credentials is not None

    def _load_in_time(self) -> None:
        try:
            call_with_deadline(DYNAMODB_CREDENTIALS_TIMEOUT_SECONDS, self._load)
        except BotoCoreError:
            raise
        except Exception as error:  # a token file that is missing, an error of STS, the deadline
            reason = f"{type(error).__name__}: {error}"
            raise CredentialRetrievalError(provider="DynamoDB's", error_msg=reason) from error

    def _load(self) -> None:
        client = super().client
        _extend(client)
        credentials = client._request_signer._credentials  # noqa: SLF001
        if credentials is None:
            raise NoCredentialsError
        credentials.get_frozen_credentials()  # refreshes them


class LimitedSetup(HTTPConnection):
    """A mixin that puts one time limit on name resolution, all addresses, TLS and a proxy's tunnel."""

    def connect(self) -> None:
        """Connect, or raise `ConnectTimeoutError`."""
        try:
            call_with_deadline(
                DYNAMODB_CONNECT_TIMEOUT_SECONDS, super().connect, discard=lambda _: self.close()
            )
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from error


def _extend(client: BotocoreBaseClientPrivate) -> None:
    """Add the counters, the check of replies and the limit on connecting; doing it twice changes nothing."""
    events = client.meta.events
    events.register("response-received.dynamodb", _count, unique_id="count-calls")
    events.register("after-call.dynamodb", _check_reply, unique_id="check-reply")
    events.register("after-call-error.dynamodb", _wrap_error, unique_id="wrap-error")
    pools = client._endpoint.http_session._pool_classes_by_scheme  # noqa: SLF001  # there is no public way
    for scheme, pool in pools.items():
        if not issubclass(pool.ConnectionCls, LimitedSetup):
            connection = type("LimitedConnection", (LimitedSetup, pool.ConnectionCls), {})
            pools[scheme] = type("LimitedPool", (pool,), {"ConnectionCls": connection})


def _count(parsed_response: dict[str, Any] | None, **_: object) -> None:
    """Count a request to DynamoDB, each try of it; PynamoDB asks for the consumed capacity by itself."""
    context, reply = request_context(), parsed_response or {}
    consumed = reply.get("ConsumedCapacity") or []
    per_table = consumed if isinstance(consumed, list) else [consumed]  # a batch may touch several tables
    context.dynamodb_calls += 1
    context.dynamodb_capacity_units += sum(capacity.get("CapacityUnits", 0.0) for capacity in per_table)
    if is_throttling(reply.get("Error", {}).get("Code")):
        context.increment("dynamodb_throttled_requests")


def _check_reply(http_response: Any, parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Refuse a reply that DynamoDB can't have sent.

    An empty object is a proper reply: that of a read that found nothing.

    Raises:
        UnusableReply: the reply is damaged, or somebody else's.
    """
    status = http_response.status_code
    if status >= 300:  # noqa: PLR2004  # from here on, botocore raises an error with the code
        if not isinstance(parsed.get("Error", {}).get("Code"), str):
            raise UnusableReply(reason=f"status {status} with a malformed code")
        return
    checksum = http_response.headers.get("x-amz-crc32")  # after its last try botocore lets a wrong one pass
    if checksum and checksum != str(crc32(http_response.content)):
        raise UnusableReply(reason="wrong checksum")
    is_known = not parsed.keys().isdisjoint(model.output_shape.members)
    if not (is_known or _is_empty_object(http_response.content)):
        raise UnusableReply(reason=f"status {status} without a member of {model.name}")
    if missing := REQUIRED_MEMBERS.get(model.name, set()) - parsed.keys():
        raise UnusableReply(reason=f"{model.name} without {', '.join(sorted(missing))}")


def _is_empty_object(body: bytes) -> bool:
    try:
        return bool(json.loads(body) == {})
    except ValueError:
        return False


def _wrap_error(exception: Exception, **_: object) -> None:
    """Make an error of the parser or the signer one of botocore's, which PynamoDB wraps."""
    if not isinstance(exception, BotoCoreError):
        raise UnusableReply(reason=f"{type(exception).__name__}: {exception}") from exception
