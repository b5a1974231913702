"""A pool of connections to Redis, and exchanges of commands and replies on them."""

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
"""Time limit to connect, and of each exchange: a slower cache is no help. redis-py's own limits and retries
take 3 to 5 s per call where the server is away."""

MAX_CONNECTIONS = 16
"""Connections of a process. At 1 ms an exchange they make 16,000 a second, more than a process can use. More
would only wait for each other: all greenlets of a gevent worker share one core."""

WAIT_SECONDS = 1.0
"""How long a request waits for a connection while all are in use. That happens where the process is
overloaded, and then a call of the database is no faster."""

WRONG_NODE_ERRORS = (exceptions.ReadOnlyError, exceptions.ClusterDownError, exceptions.MovedError)
"""Replies of a node that lost its role or its slots: READONLY, CLUSTERDOWN, MASTERDOWN, MOVED. After a
failover the name leads to another node, but open connections stay with the old one.

ASK and TRYAGAIN, which end by themselves once a slot has moved, are errors of one command, as OOM and NOPERM.
LOADING is a ConnectionError in redis-py, and so is retried on a new connection too."""


class WrongNodeError(exceptions.ConnectionError):
    """The node at the other end of a connection can't serve the keys."""


PERSISTENT_ERRORS = (HandshakeError, WrongNodeError)
"""Errors of new connections that don't pass within seconds."""


class RedisPool:
    """Exchanges commands and replies; safe with threads, greenlets and forks.

    The connection used last is used next. One that failed, or whose reply has not the expected form, is
    closed with all others opened before, since they lead to the same server. So no request reads the reply to
    another one.

    Args:
        make_connection: makes a connection that is not yet connected.
        connect_seconds: time limit to connect.
        get_credentials: returns user and password for one connection.
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
        """Send the commands in one round trip, and return what `parse` makes of the replies.

        Args:
            parse: takes the replies, errors included; raises one of these errors, or InvalidResponse where a
                reply has not the expected form.
            commands: a tuple for each command.

        Raises:
            RedisError: of redis-py, of this module or of shared.cache.redis_connection.
        """
        pool = self._pool if self._pid == os.getpid() else self._reset()
        connection = self._take(pool)
        usable = None
        try:
            connection = self._usable(connection)
            result = parse(_exchange(connection, commands))
            usable = connection
        except exceptions.ResponseError:  # every reply was read
            usable = connection
            raise
        except Exception as error:
            self._failures += 1
            self._close_older(pool, connection, error)
            if isinstance(error, exceptions.RedisError):
                raise
            raise exceptions.InvalidResponse(f"malformed reply: {error}") from error
        finally:
            if connection and not usable:
                connection.disconnect()
            pool.put(usable)
        return result

    def _take(self, pool: Pool) -> TimedConnection | None:
        """Wait for a connection, unless others fail meanwhile: a request would wait for each in turn."""
        failures = self._failures
        try:
            connection = pool.get(timeout=WAIT_SECONDS)
        except Empty:
            raise exceptions.MaxConnectionsError(f"all {MAX_CONNECTIONS} connections are in use") from None
        if failures != self._failures:
            pool.put(connection)
            raise exceptions.MaxConnectionsError("connections failed while the request waited for one")
        return connection

    def _reset(self) -> Pool:
        """Make an empty pool for this process; the connections of its parent are not for a forked one."""
        self._pool: Pool = LifoQueue()
        for _ in range(MAX_CONNECTIONS):
            self._pool.put(None)
        self._pid = os.getpid()
        return self._pool

    def _usable(self, connection: TimedConnection | None) -> TimedConnection:
        """Return the connection, or a new one where it is outdated, closed, or out of step."""
        if connection:
            if connection.epoch == self._epoch and connection.is_in_step():
                return connection
            connection.disconnect()
        epoch = self._epoch
        connection = open_connection(self._connect_seconds, self.make_connection, self.get_credentials)
        connection.epoch = epoch
        return connection

    def _close_older(self, pool: Pool, connection: TimedConnection | None, error: Exception) -> None:
        """Close the idle connections, and have those in use closed before their next use."""
        if isinstance(error, ConnectError) or connection is None or connection.epoch != self._epoch:
            return
        self._epoch += 1
        taken: list[TimedConnection | None] = []
        with suppress(Empty):
            while len(taken) < MAX_CONNECTIONS:
                taken.append(pool.get_nowait())
        for idle in taken:
            if idle:
                idle.disconnect()
            pool.put(None)


def _exchange(connection: TimedConnection, commands: tuple[Command, ...]) -> list[Any]:
    connection.timed_socket.start(TIMEOUT_SECONDS)
    connection.send_packed_command(connection.pack_commands(commands))
    replies = [_read(connection) for _ in commands]
    connection.timed_socket.stop()
    return replies


def _read(connection: TimedConnection) -> Any:
    try:
        return connection.read_response()
    except WRONG_NODE_ERRORS as error:
        raise WrongNodeError(f"{type(error).__name__}: {error}") from error
    except exceptions.ResponseError as error:
        return error


def retry_once(act: Callable[[], T]) -> T:
    """Repeat a call that failed on an open connection, which may have died or lead to the wrong node.

    Around the whole call, which makes new random values: a repeated command can reach Redis twice, seconds
    apart, and what was set by both would be set again.
    """
    try:
        return act()
    except (ConnectError, exceptions.MaxConnectionsError):
        raise
    except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.InvalidResponse):
        return act()
