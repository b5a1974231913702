"""Connections to Redis: one time limit for all steps of connecting, and one for each exchange.

redis-py's own limits are per step: each address, each packet. So three addresses, or a reply that drips, take
several times as long as the limit says.
"""

import ssl
import time
from collections.abc import Callable
from typing import Any, cast

from redis import exceptions
from redis.connection import AbstractConnection, Connection, UnixDomainSocketConnection

from shared.deadline import call_with_deadline


class ConnectError(exceptions.ConnectionError):
    """No connection could be made in time; a second attempt would fail the same way."""


class HandshakeError(ConnectError):
    """The server was reached, but TLS, AUTH or SELECT failed, or there are no credentials for it."""


class TimedSocket:
    """A socket with one deadline for everything that is received between `start` and `stop`.

    Only from the second packet on is the time limit shortened, since most replies are one packet.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._timeout: float | None = None
        self._deadline: float | None = None
        self._is_first = True
        self.sendall = socket.sendall

    def start(self, seconds: float) -> None:
        """Begin an exchange that may take that long."""
        self._deadline = time.monotonic() + seconds
        self._is_first = True
        if self._timeout != seconds:
            self.settimeout(seconds)

    def stop(self) -> None:
        """End the exchange."""
        self._deadline = None

    def settimeout(self, seconds: float) -> None:
        """Set the time limit of a single step."""
        self._timeout = seconds
        self._socket.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes before the deadline; raises TimeoutError."""
        if self._deadline is not None and not self._is_first:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self.settimeout(left)
        self._is_first = False
        return cast("bytes", self._socket.recv(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class TimedConnection(AbstractConnection):
    """A connection whose socket has a deadline.

    Attributes:
        timed_socket: the socket.
        is_reached: whether the server has accepted the connection, before TLS and AUTH.
        epoch: see RedisPool.
    """

    timed_socket: TimedSocket
    is_reached = False
    epoch = 0

    def is_in_step(self) -> bool:
        """Return whether the connection is open and no data waits that nobody asked for."""
        try:
            return not self.can_read()
        except (exceptions.RedisError, OSError):
            return False

    def _connect(self) -> Any:
        self.timed_socket = TimedSocket(super()._connect())  # type: ignore[no-untyped-call,safe-super]  # redis-py
        self.is_reached = True
        return self.timed_socket


class TcpConnection(TimedConnection, Connection):
    """A connection to `redis://`."""


class UnixConnection(TimedConnection, UnixDomainSocketConnection):
    """A connection to `unix://`."""

    host = ""


class _PlainTlsConnection(Connection):
    def __init__(self, *, ssl_context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # of redis-py
        self._ssl_context = ssl_context

    def _connect(self) -> Any:
        socket = super()._connect()  # type: ignore[no-untyped-call]  # of redis-py
        self.is_reached = True
        try:
            return self._ssl_context.wrap_socket(socket, server_hostname=self.host)
        except BaseException:
            socket.close()
            raise


class TlsConnection(TimedConnection, _PlainTlsConnection):
    """A connection to `rediss://`.

    redis-py's SSLConnection loads the certificates of all authorities for every connection, which takes ten
    times the CPU of the handshake. Here the context is made once.
    """


def open_connection(
    seconds: float,
    make: Callable[..., TimedConnection],
    get_credentials: Callable[[], tuple[str, str]] | None = None,
) -> TimedConnection:
    """Return a new connection that is logged in.

    Name resolution, all addresses of the name, TLS, AUTH and SELECT share one deadline. A connection that is
    ready later is closed.

    Args:
        seconds: the time limit, without that of `get_credentials`.
        make: makes the connection; with `get_credentials`, it takes `username` and `password`.
        get_credentials: returns both for this one connection.

    Raises:
        HandshakeError: there are no credentials, or the server was reached and TLS, AUTH or SELECT failed.
        ConnectError: any other failure.
    """
    try:
        login = get_credentials() if get_credentials else ()
    except Exception as error:
        raise HandshakeError(str(error)) from error
    connection = make(**dict(zip(("username", "password"), login, strict=False)))
    try:
        call_with_deadline(seconds, connection.connect, discard=lambda _: connection.disconnect())
    except Exception as error:
        kind = HandshakeError if connection.is_reached else ConnectError
        raise kind(str(error) or f"no connection within {seconds} s") from error
    return connection
