"""The client of the cache's server: one per process, which gives up fast."""

from collections.abc import Callable
from threading import get_native_id
from typing import Any, TypeVar

from redis import Connection, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004  # redis-py's own
from redis.retry import Retry

from shared.config import Settings

T = TypeVar("T")

TIMEOUT_SECONDS = 0.25
"""To connect, and to answer: a cache that is slower than this helps nobody. redis-py's own limits and retries
cost 3 to 5 s a call where the server is away."""

MAX_CONNECTIONS = 64
"""A thread uses one at a time; one that finds none free goes without the cache, and doesn't wait."""

MAX_KEPT = 16
"""Connections that threads may keep for themselves, to read with."""


def connect(settings: Settings) -> Redis:
    """A client; it connects when it is first used, and again after a fork. No retries: see `retry_once`."""
    pool = ConnectionPool.from_url(
        settings.redis_url or "",
        max_connections=MAX_CONNECTIONS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # with 3, redis-py says HELLO first: one more round trip, and refused by some proxies
        driver_info=None,  # else each connection begins with two more round trips, to say whose library it is
        credential_provider=_credentials(settings),
    )
    return Redis.from_pool(pool)


def retry_once(act: Callable[[], T]) -> T:
    """Do it once more where no answer comes, at once: the connection may have died while Lambda slept.

    Around the whole act, not in the client, for there the second try sends the very bytes of the first. Those
    can reach Redis as well, seconds later, and what was set by both would be set again.
    """
    try:
        return act()
    except (ConnectionError, TimeoutError):
        return act()


class Reader:
    """Reads several keys at once, on a connection that its thread keeps: half the time of redis-py's client.

    A thread is known by its number in the system, which no thread of a forked process has.
    """

    def __init__(self, redis: Redis) -> None:
        self._pool: ConnectionPool = redis.connection_pool
        self._kept: dict[int, Connection] = {}

    def mget(self, *keys: str) -> list[Any]:
        """The values, None for those that are not there; raises redis-py's errors."""
        thread = get_native_id()
        connection = self._kept.pop(thread, None) or self._pool.get_connection()
        try:
            connection.send_command("MGET", *keys)
            values: list[Any] = connection.read_response()
        except BaseException:
            self._pool.release(connection)
            raise
        if len(self._kept) < MAX_KEPT:
            self._kept[thread] = connection
        else:
            self._pool.release(connection)
        return values


def _credentials(settings: Settings) -> CredentialProvider | None:
    if settings.redis_iam_user is None:
        return None
    from shared.redis_iam import IamCredentials  # noqa: PLC0415  # with the AWS SDK, for those who chose it

    return IamCredentials(settings)
