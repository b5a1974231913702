"""An unresponsive Redis, DNS or network delays no request."""

import contextlib
import socket
import threading
import time

import pytest

from support.cache_harness import InstrumentedDao, bypasses_within, make_app
from support.slow_server import slow_server
from support.waiting import wait_until


class UnresponsiveListeners:
    """Listeners with a full backlog. The kernel drops packets to them, as for an unassigned address."""

    def __init__(self, count):
        self._sockets, self.ports = [], []
        for _ in range(count):
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            self.ports.append(listener.getsockname()[1])
            self._sockets.append(listener)
            for _ in range(2):
                client = socket.socket()
                client.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    client.connect(listener.getsockname())
                self._sockets.append(client)

    def close(self):
        for listener_or_client in self._sockets:
            listener_or_client.close()


@pytest.fixture
def resolve(monkeypatch):
    """A function that sets the addresses of cache.example."""
    real = socket.getaddrinfo

    def resolve(addresses):
        def getaddrinfo(host, *args, **named):
            return addresses() if host == "cache.example" else real(host, *args, **named)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_slow_name_resolution_delays_no_request(resolve, scheme):
    def slow():
        time.sleep(6)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    resolve(slow)
    assert bypasses_within(3, make_app(InstrumentedDao(), f"{scheme}://cache.example").test_client())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_nine_addresses_that_drop_packets_delay_no_request(resolve, scheme):
    """A serverless cache has IPv4 and IPv6 addresses in each Availability Zone."""
    dropping = UnresponsiveListeners(9)
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in dropping.ports]
    resolve(lambda: addresses)
    assert bypasses_within(3, make_app(InstrumentedDao(), f"{scheme}://cache.example").test_client())
    dropping.close()


def test_a_silent_tls_handshake_delays_no_request(trusted):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"rediss://127.0.0.1:{listener.getsockname()[1]}"
        assert bypasses_within(3, make_app(InstrumentedDao(), url).test_client())


@pytest.mark.parametrize("user", ["", "u:p@"])
def test_a_reply_that_arrives_byte_by_byte_delays_no_request(user):
    """To MGET, or to AUTH."""
    with slow_server(b"-ERR " + b"x" * 50 + b"\r\n", 0.1) as listener:
        url = f"redis://{user}127.0.0.1:{listener.getsockname()[1]}"
        assert bypasses_within(3, make_app(InstrumentedDao(), url).test_client())


def test_a_connection_that_comes_too_late_is_closed(resolve, valkey):
    waiting = threading.Event()

    def late():
        waiting.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", valkey.port))]

    resolve(late)
    with valkey.client() as redis:

        def connections():
            return {each["id"] for each in redis.client_list()}

        before = connections()  # another test can have left one
        assert bypasses_within(3, make_app(InstrumentedDao(), "redis://cache.example").test_client())
        made = redis.info("stats")["total_connections_received"]
        waiting.set()
        wait_until(lambda: redis.info("stats")["total_connections_received"] > made)
        wait_until(lambda: connections() <= before)
