"""Timeouts, credentials and connections of the DAO, with misbehaving sockets."""

import contextlib
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from news.dao import NewsDao
from shared.constants import DYNAMODB_CONNECT_TIMEOUT_SECONDS, DYNAMODB_READ_TIMEOUT_SECONDS, DYNAMODB_RETRIES
from shared.errors import Unavailable
from support.dynamodb_proxy import Proxy, StubResponse
from support.environment import settings_for
from support.fakes import seconds_until_unavailable, stored
from support.slow_server import slow_server

LONGEST_PAUSE = 1
NAME = "dynamodb.example"


def dropping(stack):
    """Return the port of a listener with a full backlog, so that the kernel drops new connections."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(2):
        client = stack.enter_context(socket.socket())
        client.settimeout(0)
        client.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


def resolve_to(monkeypatch, ports, seconds=0.0):
    """Resolve NAME to local ports after a delay."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        if host != NAME:
            return real(host, *arguments, **options)
        time.sleep(seconds)
        if not ports:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_timeouts_of_a_call_add_up_to_six_seconds():
    one_try = DYNAMODB_CONNECT_TIMEOUT_SECONDS + DYNAMODB_READ_TIMEOUT_SECONDS
    assert (1 + DYNAMODB_RETRIES) * one_try + DYNAMODB_RETRIES * LONGEST_PAUSE <= 6


def test_many_addresses_that_drop_packets_are_unavailable_within_six_seconds(monkeypatch):
    with contextlib.ExitStack() as stack:
        resolve_to(monkeypatch, [dropping(stack) for _ in range(8)])
        assert seconds_until_unavailable(NewsDao(settings_for(f"http://{NAME}:8000"))) < 6


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_slow_name_resolution_is_unavailable_within_six_seconds(monkeypatch, scheme):
    resolve_to(monkeypatch, [], seconds=5)
    assert seconds_until_unavailable(NewsDao(settings_for(f"{scheme}://{NAME}:8000"))) < 6


def test_a_byte_by_byte_tls_handshake_is_unavailable_within_six_seconds():
    """Each byte arrives within the read timeout, but the TLS record never ends."""
    record = b"\x16\x03\x03\x40\x00"
    with slow_server(b"\x02" * 40, 0.3, greeting=record, waits=False) as listener:
        dao = NewsDao(settings_for(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        assert seconds_until_unavailable(dao) < 6


def test_a_connection_established_after_the_deadline_sends_no_request(monkeypatch):
    """A write that was reported as failed must not be stored seconds later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        resolve_to(monkeypatch, [listener.getsockname()[1]], seconds=DYNAMODB_CONNECT_TIMEOUT_SECONDS + 0.3)
        dao = NewsDao(settings_for(f"http://{NAME}:8000"))
        with pytest.raises(Unavailable):
            dao.add(stored(1))
        for _ in range(1 + DYNAMODB_RETRIES):
            client, _ = listener.accept()
            with client:
                client.settimeout(10)
                assert client.recv(1) == b""


def test_a_hundred_threads_reuse_a_hundred_connections(moto_url, caplog):
    lock, clients = threading.Lock(), set()
    with Proxy(moto_url) as proxy:
        dao = NewsDao(settings_for(proxy.url))
        start = threading.Barrier(100)

        def fault(*_):
            time.sleep(0.2)
            return StubResponse(200, b"{}")

        def find(_):
            start.wait()
            for _ in range(3):
                dao.find(stored(1).id)

        accept = proxy.process_request

        def process_request(request, address):
            with lock:
                clients.add(address)
            accept(request, address)

        proxy.fault, proxy.process_request = fault, process_request
        with caplog.at_level(logging.WARNING), ThreadPoolExecutor(100) as pool:
            list(pool.map(find, range(100)))
    assert len(clients) < 150  # a smaller pool opens 250; on a busy machine, a few are opened again
    assert "Connection pool is full" not in caplog.text
