"""The gunicorn worker of the service: threads get whole requests, and whoever is slow waits in the loop.

In gunicorn's own worker with threads (27.0) a thread waits for the rest of a request, for ever, and the loop
for a client to hang up, so that four clients with half a request each put four threads out of service. Here
each costs a socket. HTTP/1 without TLS: what stands before the service speaks the rest.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from select import select
from selectors import EVENT_READ
from socket import SHUT_WR, SO_SNDBUF, SOL_SOCKET
from typing import Any

import msgspec
from gunicorn.asgi.parser import ParseError, PythonProtocol
from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn, ThreadWorker

from shared.constants import ERROR_HEADERS, MAX_BODY_BYTES, PROBLEM_JSON
from shared.errors import Problem

MAX_REQUEST_BYTES = 4 * MAX_BODY_BYTES
"""Head, body and what chunks add to it; a request that is longer is answered without the rest."""

PRESSED_SECONDS = 2.0
"""How long a worker waits for the rest of a request when it stops, or has no room for other clients."""

LEAVE_SECONDS = 2.0
"""How long a client may take to hang up; to close before could cut off its answer (RFC 9112, section 9.6)."""

ANSWER_BYTES = 256 * 1024
"""What the system keeps for a client that is slow to take its answer, so that the thread goes on. That holds
100 KB of an answer at least: the less a client takes at once, the more goes into the system's own records."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Arrival:
    """A request that is coming in.

    Args:
        limits: gunicorn's, on lines and headers.
        encourage: tells the client that its body is welcome.
    """

    def __init__(self, limits: Mapping[str, int], encourage: Callable[[], None]) -> None:
        self.began = time.monotonic()
        self.received = bytearray()
        self.is_whole = False
        self._encourage = encourage
        # Of gunicorn's two parsers the one that takes bytes as they come; it only tells when all are there.
        self._framing = PythonProtocol(on_headers_complete=self._read_head, **limits)

    def add(self, data: bytes) -> bool:
        """Take what has come, and say whether there is nothing more to wait for."""
        self.received += data
        try:
            self._framing.feed(data)
        except ParseError:
            return True  # the other parser says what is wrong
        self.is_whole = self._framing.is_complete
        return self.is_whole or self._is_too_long()

    def _is_too_long(self) -> bool:
        return (self._framing.content_length or 0) > MAX_BODY_BYTES or len(self.received) > MAX_REQUEST_BYTES

    def _read_head(self) -> None:
        expected = [value.lower() for name, value in self._framing.headers if name == b"expect"]
        if expected == [b"100-continue"] and not self._is_too_long():
            self._encourage()


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker whose threads never read from a socket, and whose loop never waits for one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, Arrival] = {}  # both in the order of their time
        self._leaving: dict[TConn, float] = {}
        names = ("limit_request_line", "limit_request_fields", "limit_request_field_size")
        self._limits = {name: getattr(self.cfg, name) for name in names}
        self.max_keepalived = self.worker_connections // 2  # the idle leave room for others
        for listener in self.sockets:  # connections inherit it
            listener.setsockopt(SOL_SOCKET, SO_SNDBUF, ANSWER_BYTES)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001  # gunicorn's
        """In the loop: begin to accept connections, or cease to; at the end, after those that wait."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                for _ in range(self.cfg.backlog):  # more may come meanwhile, but not for ever
                    if not select([listener], [], [], 0)[0]:
                        break
                    self.accept(listener)
                listener.close()  # later ones go to another worker, or are refused

    def enqueue_req(self, conn: TConn) -> None:
        """In the loop: wait for a request of a new connection, or for the next one of an old."""
        conn.sock.settimeout(0)
        conn.arrival = Arrival(self._limits, partial(_send, conn, CONTINUE))
        if conn.parser and conn.arrival.add(conn.parser.unreader.take_buffered()):
            self._hand_over(conn)
        else:
            self._arriving[conn] = conn.arrival
            self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn))
            self._receive(conn, conn.sock)

    def handle_request(self, req: Any, conn: TConn) -> bool:
        """In a thread: answer a request."""
        conn.sock.settimeout(self.cfg.timeout)  # for the client to take its answer
        req._expected_100_continue = False  # noqa: SLF001  # the loop has said so
        if not conn.arrival.is_whole:
            req.force_close()
        is_kept: bool = super().handle_request(req, conn)
        return is_kept

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """In the loop: go on after an answer."""
        if not fs.cancelled() and not fs.exception() and fs.result():
            super().finish_request(conn, fs)
        else:
            self._hang_up(conn)

    def murder_pending(self) -> None:
        """In the loop, once a second or more often: give up on those whose time is over."""
        now = time.monotonic()
        patience = self.cfg.timeout if self.alive and self._accepting else PRESSED_SECONDS
        while (conn := next(iter(self._arriving), None)) and now - conn.arrival.began >= patience:
            self._forget(conn)
            if conn.arrival.received:
                _send(conn, _timed_out())
            self._hang_up(conn)
        while (conn := next(iter(self._leaving), None)) and now >= self._leaving[conn]:
            self._close(conn)

    def _receive(self, conn: TConn, _: object) -> None:
        data = _read(conn)
        if data is None or (data and not conn.arrival.add(data)):
            return
        if conn.arrival.received:
            self._forget(conn)
            self._hand_over(conn)
        else:
            self._close(conn)

    def _hand_over(self, conn: TConn) -> None:
        """Have a thread answer what has come; where that isn't all, it finds that the client has left."""
        conn.parser = get_parser(self.cfg, [bytes(conn.arrival.received)], conn.client)
        conn.initialized = conn.data_ready = True
        super().enqueue_req(conn)

    def _hang_up(self, conn: TConn) -> None:
        """Tell the client that this was all, and close when it has done the same."""
        conn.sock.settimeout(0)
        try:
            conn.sock.shutdown(SHUT_WR)
        except OSError:
            self._close(conn)
            return
        self._leaving[conn] = time.monotonic() + LEAVE_SECONDS
        self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))

    def _drain(self, conn: TConn, _: object) -> None:
        if _read(conn) == b"":
            self._close(conn)

    def _close(self, conn: TConn) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: TConn) -> None:
        if self._arriving.pop(conn, None) or self._leaving.pop(conn, None):
            self.poller.unregister(conn.sock)


def _read(conn: TConn) -> bytes | None:
    """What has come, nothing where the client has left, or None where it is to be waited for."""
    try:
        data: bytes = conn.sock.recv(MAX_BODY_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    return data


def _send(conn: TConn, data: bytes) -> None:
    """Send what is short enough for the socket's buffer; a client that is gone misses nothing."""
    with suppress(OSError):
        conn.sock.send(data)


def _timed_out() -> bytes:
    status = HTTPStatus.REQUEST_TIMEOUT
    body = msgspec.json.encode(
        Problem(status.phrase, status, "The request took too long to come in.", str(uuid.uuid4()))
    )
    headers = {"Content-Type": PROBLEM_JSON, "Content-Length": len(body), "Connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | ERROR_HEADERS).items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode() + body
