"""Sends raw bytes to an HTTP server and reads the response."""

import contextlib
import re
import socket

import requests

HOST = b"Host: 127.0.0.1\r\n"
JSON_HEADER = b"Content-Type: application/json\r\n"
CLOSED = b""
WAIT_SECONDS = 20


def connect(bind):
    host, _, port = bind.partition(":")
    return socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)


def read_all(connection):
    """Return all bytes until the peer closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            received += part
    return received


def exchange(bind, *parts):
    """Send the parts, shut down the write side, and return all bytes until the peer closes the connection."""
    with connect(bind) as connection:
        with contextlib.suppress(OSError):  # the peer may close before everything is sent
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def get(target, version=b"HTTP/1.1", headers=HOST):
    return b"GET " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def post(headers, body, target=b"/news/"):
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + JSON_HEADER + headers + b"\r\n" + body


def is_rejected(received):
    """Return True for no response, 4xx, or 501 for an unknown transfer coding (RFC 9112, section 6.1)."""
    return received == CLOSED or statuses(received)[0] in {*range(400, 500), 501}


def assert_works(server):
    response = requests.get(f"{server.url}/health", timeout=WAIT_SECONDS)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
