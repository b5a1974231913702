"""Connections to Redis: the deadline of a round trip, and unread data, with real sockets."""

import socket

import pytest

from shared.cache.redis_client import connect
from shared.cache.redis_connection import TimedSocket
from shared.config import Settings
from support.cache_harness import SETTINGS


class BusyProcess:
    """A socket whose first `recv` times out just before data arrives, as in a busy process."""

    def __init__(self, client, server, data):
        self._client, self._server, self._data = client, server, data
        self.sendall, self.settimeout = client.sendall, client.settimeout
        self._is_late = True

    def recv(self, size):
        if self._is_late:
            self._is_late = False
            self._server.sendall(self._data)
            raise TimeoutError("timed out")
        return self._client.recv(size)


@pytest.fixture
def sockets():
    client, server = socket.socketpair()
    with client, server:
        yield client, server


def test_a_reply_that_arrived_in_time_but_is_read_late_is_used(sockets):
    timed = TimedSocket(BusyProcess(*sockets, b"+OK\r\n"))
    timed.start(0.05)
    assert timed.recv(100) == b"+OK\r\n"


def test_a_reply_that_never_arrives_times_out(sockets):
    timed = TimedSocket(BusyProcess(*sockets, b""))
    timed.start(0.05)
    with pytest.raises(TimeoutError, match="timed out"):
        timed.recv(100)


def test_a_reply_in_packets_ends_at_the_deadline(sockets):
    client, server = sockets
    timed = TimedSocket(client)
    timed.start(0.05)
    server.sendall(b"+O")
    assert timed.recv(100) == b"+O"
    with pytest.raises(TimeoutError, match="timed out"):
        timed.recv(100)


@pytest.fixture
def connected():
    """Yield a connection, and the server's end of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        connection = connect(Settings(**SETTINGS, redis_url=url)).make_connection()
        connection.connect()
        server, _ = listener.accept()
        with server:
            yield connection, server
        connection.disconnect()


def test_an_idle_connection_is_reusable(connected):
    connection, server = connected
    connection.send_command("PING")
    server.sendall(b"+PONG\r\n")
    assert connection.read_response() == b"PONG"
    assert connection.is_reusable()


def test_a_connection_that_the_server_closed_is_not_reusable(connected):
    connection, server = connected
    server.close()
    assert not connection.is_reusable()


def test_a_connection_with_unsolicited_data_is_not_reusable(connected):
    connection, server = connected
    server.sendall(b"+OK\r\n")
    assert not connection.is_reusable()


def test_a_connection_with_a_second_reply_in_its_buffer_is_not_reusable(connected):
    connection, server = connected
    server.sendall(b"+PONG\r\n+PONG\r\n")
    assert connection.read_response() == b"PONG"
    assert not connection.is_reusable()
