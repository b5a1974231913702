"""Connections to Redis with one deadline for connecting and one for each round trip.

redis-py's timeouts apply to each step: each address, each packet. A name with three addresses, or a reply
that arrives byte by byte, takes several times the timeout.
"""

import ssl
import time
from collections.abc import Callable
from typing import Any, cast

from redis import exceptions
from redis.connection import AbstractConnection, Connection, UnixDomainSocketConnection

from shared.deadline import call_with_deadline
from shared.socket_poll import has_received


class ConnectError(exceptions.ConnectionError):
    """No connection could be opened in time. A second attempt would fail the same way."""


class HandshakeError(ConnectError):
    """The server accepted the connection but TLS, AUTH or SELECT failed, or there are no credentials."""


class TimedSocket:
    """A socket with one deadline for everything received between `start` and `stop`.

    The remaining time is set from the second packet on. Most replies are one packet and skip that cost.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._timeout: float | None = None
        self._deadline: float | None = None
        self._is_first = True
        self.sendall = socket.sendall

    def start(self, seconds: float) -> None:
        """Start a round trip that may take `seconds`."""
        self._deadline = time.monotonic() + seconds
        self._is_first = True
        if self._timeout != seconds:
            self.settimeout(seconds)

    def stop(self) -> None:
        """End the round trip."""
        self._deadline = None

    def settimeout(self, seconds: float) -> None:
        """Set the timeout of a single socket operation."""
        self._timeout = seconds
        self._socket.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes. Raise TimeoutError after the deadline."""
        if self._deadline is None:
            return cast("bytes", self._socket.recv(size))
        if self._is_first:
            self._is_first = False
            return self._recv_first(size)
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(left)
        return cast("bytes", self._socket.recv(size))

    def _recv_first(self, size: int) -> bytes:
        """Receive the first packet, also if it arrived in time while the process was too busy to read it.

        Under gevent, the timeout of one greenlet passes while others compute.
        """
        try:
            return cast("bytes", self._socket.recv(size))
        except TimeoutError:
            self.settimeout(0)
            try:
                return cast("bytes", self._socket.recv(size))
            except (BlockingIOError, ssl.SSLWantReadError):
                raise TimeoutError("timed out") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class TimedConnection(AbstractConnection):
    """A connection whose socket has a deadline.

    Attributes:
        timed_socket: the socket.
        is_accepted: True once the server has accepted the TCP or Unix connection, before TLS and AUTH.
        epoch: the pool's epoch when the connection was opened. The pool closes connections of older epochs.
    """

    timed_socket: TimedSocket
    is_accepted = False
    epoch = 0

    def is_reusable(self) -> bool:
        """Return True if the connection is open and has no unread data.

        `can_read` alone would be enough, but it costs 5 % of a cached GET (benchmarks/warm_get.py), since it
        sets two timeouts and raises an exception. Under TLS, the received data may be a session ticket.
        """
        try:
            has_data = self._parser._buffer.unread_bytes() or has_received(self.timed_socket.fileno())  # noqa: SLF001
            return not (has_data and self.can_read())
        except (exceptions.RedisError, OSError):
            return False

    def _connect(self) -> Any:
        self.timed_socket = TimedSocket(super()._connect())  # type: ignore[no-untyped-call,safe-super]  # redis-py
        self.is_accepted = True
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
        self.is_accepted = True
        try:
            return self._ssl_context.wrap_socket(socket, server_hostname=self.host)
        except BaseException:
            socket.close()
            raise


class TlsConnection(TimedConnection, _PlainTlsConnection):
    """A connection to `rediss://`.

    redis-py's SSLConnection loads the CA certificates for every connection, which takes ten times the CPU of
    the handshake. This class uses one SSL context for all connections.
    """


def open_connection(
    seconds: float,
    make_connection: Callable[..., TimedConnection],
    get_credentials: Callable[[], tuple[str, str]] | None = None,
) -> TimedConnection:
    """Return a new, authenticated connection.

    Name resolution, all addresses of the name, TLS, AUTH and SELECT share one deadline. A connection that is
    established after the deadline is closed.

    Args:
        seconds: the deadline. It does not include `get_credentials`.
        make_connection: returns an unconnected connection. Takes `username` and `password` if there are
            credentials.
        get_credentials: returns the user name and password for this connection.

    Raises:
        HandshakeError: there are no credentials, or TLS, AUTH or SELECT failed.
        ConnectError: any other failure.
    """
    try:
        credentials = get_credentials() if get_credentials else ()
    except Exception as error:
        raise HandshakeError(str(error)) from error
    connection = make_connection(**dict(zip(("username", "password"), credentials, strict=False)))
    try:
        call_with_deadline(seconds, connection.connect, discard=lambda _: connection.disconnect())
    except Exception as error:
        error_class = HandshakeError if connection.is_accepted else ConnectError
        raise error_class(str(error) or f"connecting timed out after {seconds} s") from error
    return connection
