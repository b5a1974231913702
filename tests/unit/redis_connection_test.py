"""The deadline of a round trip to Redis, with a real socket."""

import socket

import pytest

from shared.cache.redis_connection import TimedSocket


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
