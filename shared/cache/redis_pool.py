"""A pool of Redis connections. It sends pipelined commands and returns their parsed replies."""

import os
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, LifoQueue
from typing import Any, TypeVar

from redis import exceptions

from shared.cache.redis_connection import ConnectError, HandshakeError, TimedConnection, open_connection

T = TypeVar("T")
Command = tuple[str | bytes | int, ...]
Pool = LifoQueue[TimedConnection | None]

TIMEOUT_SECONDS = 0.25
"""Timeout to connect without TLS, and of each round trip: a slower cache does not help. redis-py's default
timeouts and retries take 3 to 5 s per call when the server is down."""

MAX_CONNECTIONS = 16
"""Maximum connections per process. At 1 ms per round trip they carry 16,000 lookups per second, more than one
process can serve. More connections would compete for one core."""

POOL_TIMEOUT_SECONDS = 1.0
"""Timeout for a free connection while all are in use. That happens when the process is overloaded, and then a
database call is not faster."""

WRONG_NODE_ERRORS = (exceptions.ReadOnlyError, exceptions.ClusterDownError, exceptions.MovedError)
"""Errors of a node that lost its role or its slots: READONLY, CLUSTERDOWN, MASTERDOWN, MOVED. After a
failover, the host name resolves to the new node while open connections still lead to the old one.

ASK and TRYAGAIN are temporary while a slot moves, so they are errors of one command, like OOM and NOPERM.
LOADING is a ConnectionError in redis-py, so it is retried on a new connection too."""


class WrongNodeError(exceptions.ConnectionError):
    """The connected node cannot serve the keys."""


PERSISTENT_ERRORS = (HandshakeError, WrongNodeError)
"""Errors that do not go away within seconds."""


class RedisPool:
    """A LIFO pool of connections. Safe with threads, greenlets and forks.

    After an error or an invalid reply, the pool closes that connection and every older one, since they lead
    to the same server. So no request reads the reply to another request.

    Args:
        make_connection: returns an unconnected connection.
        connect_seconds: timeout to connect.
        get_credentials: returns the user name and password for one connection.
    """

    def __init__(
        self,
        make_connection: Callable[..., TimedConnection],
        connect_seconds: float,
        get_credentials: Callable[[], tuple[str, str]] | None = None,
    ) -> None:
        self.make_connection = make_connection
        self.get_credentials = get_credentials
        self._connect_seconds = connect_seconds
        self._epoch = 0
        self._failures = 0
        self._reset()

    def execute(self, parse: Callable[[list[Any]], T], *commands: Command) -> T:
        """Send the commands in one round trip and return the parsed replies.

        Args:
            parse: takes the list of replies, including errors. It returns the result, raises one of those
                errors, or raises InvalidResponse if a reply has an unexpected type or value.
            commands: one tuple per command.

        Raises:
            RedisError: any error of redis-py, this module or shared.cache.redis_connection.
        """
        pool = self._pool if self._pid == os.getpid() else self._reset()
        connection = self._acquire(pool)
        reusable = None
        try:
            connection = self._ensure_connected(connection)
            result = parse(_send_and_receive(connection, commands))
            reusable = connection
        except exceptions.ResponseError:  # every reply was read
            reusable = connection
            raise
        except Exception as error:
            self._failures += 1
            self._close_older(pool, connection, error)
            if isinstance(error, exceptions.RedisError):
                raise
            raise exceptions.InvalidResponse(f"malformed reply: {error}") from error
        finally:
            if connection and not reusable:
                connection.disconnect()
            pool.put(reusable)
        return result

    def _acquire(self, pool: Pool) -> TimedConnection | None:
        """Wait for a free connection, or a free slot (None). Fail if other connections fail meanwhile.

        Otherwise the waiting requests would time out one after the other.
        """
        failures = self._failures
        try:
            connection = pool.get(timeout=POOL_TIMEOUT_SECONDS)
        except Empty:
            raise exceptions.MaxConnectionsError(f"all {MAX_CONNECTIONS} connections are in use") from None
        if failures != self._failures:
            pool.put(connection)
            raise exceptions.MaxConnectionsError("other connections failed while waiting for a free one")
        return connection

    def _reset(self) -> Pool:
        """Create an empty pool for this process. A forked process must not share its parent's connections."""
        self._pool: Pool = LifoQueue()
        for _ in range(MAX_CONNECTIONS):
            self._pool.put(None)
        self._pid = os.getpid()
        return self._pool

    def _ensure_connected(self, connection: TimedConnection | None) -> TimedConnection:
        """Return the connection, or a new one if it is of an older epoch, closed, or has unread data."""
        if connection:
            if connection.epoch == self._epoch and connection.is_reusable():
                return connection
            connection.disconnect()
        epoch = self._epoch
        connection = open_connection(self._connect_seconds, self.make_connection, self.get_credentials)
        connection.epoch = epoch
        return connection

    def _close_older(self, pool: Pool, connection: TimedConnection | None, error: Exception) -> None:
        """Close the idle connections now, and those in use before their next use."""
        if isinstance(error, ConnectError) or connection is None or connection.epoch != self._epoch:
            return
        self._epoch += 1
        idle: list[TimedConnection | None] = []
        with suppress(Empty):
            while len(idle) < MAX_CONNECTIONS:
                idle.append(pool.get_nowait())
        for idle_connection in idle:
            if idle_connection:
                idle_connection.disconnect()
            pool.put(None)


def _send_and_receive(connection: TimedConnection, commands: tuple[Command, ...]) -> list[Any]:
    connection.timed_socket.start(TIMEOUT_SECONDS)
    connection.send_packed_command(connection.pack_commands(commands))
    replies = [_read_reply(connection) for _ in commands]
    connection.timed_socket.stop()
    return replies


def _read_reply(connection: TimedConnection) -> Any:
    try:
        return connection.read_response()
    except WRONG_NODE_ERRORS as error:
        raise WrongNodeError(f"{type(error).__name__}: {error}") from error
    except exceptions.ResponseError as error:
        return error


def retry_once(call: Callable[[], T]) -> T:
    """Return `call()`, repeated once if an open connection was dead or led to the wrong node.

    `call` must build its commands, so that a retry sends new random values. The first attempt may still reach
    Redis seconds later, and must not restore a generation that has been replaced.
    """
    try:
        return call()
    except (ConnectError, exceptions.MaxConnectionsError):
        raise
    except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.InvalidResponse):
        return call()
