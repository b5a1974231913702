"""Requests byte by byte, and what comes back."""

import contextlib
import re
import socket

HEAD = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
CLOSED = b""
WAIT_SECONDS = 20


def connect(bind):
    host, _, port = bind.partition(":")
    return socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)


def rest(connection):
    """All that comes back until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            received += part
    return received


def exchange(bind, *parts):
    """Send the parts, close our side, and return all that comes back until the other side closes."""
    with connect(bind) as connection:
        with contextlib.suppress(OSError):  # it has closed while there was more to send
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        return rest(connection)


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def get(target, version=b"HTTP/1.1", headers=HEAD):
    return b"GET " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def post(headers, body, target=b"/news/"):
    return b"POST " + target + b" HTTP/1.1\r\n" + HEAD + JSON + headers + b"\r\n" + body
