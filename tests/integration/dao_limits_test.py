"""Timeouts, credentials and connections of the DAO, with misbehaving sockets."""

import contextlib
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from news.dao import NewsDao
from shared.constants import DYNAMODB_CONNECT_TIMEOUT_SECONDS, DYNAMODB_READ_TIMEOUT_SECONDS, DYNAMODB_RETRIES
from shared.errors import Unavailable
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support.dynamodb_proxy import Proxy, StubResponse
from support.environment import settings_for
from support.fakes import stored
from support.slow_server import slow_server
from tools.local.tables import create_tables

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


def seconds_until_unavailable(dao):
    started = time.monotonic()
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)
    return time.monotonic() - started


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
    assert len(clients) <= 100
    assert "Connection pool is full" not in caplog.text


@pytest.fixture
def no_credentials(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    return monkeypatch


def test_a_missing_token_file_is_unavailable(moto_url, no_credentials):
    no_credentials.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/absent/token")
    no_credentials.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x")
    assert seconds_until_unavailable(NewsDao(settings_for(moto_url))) < 6


@pytest.mark.parametrize(
    "variables",
    [{}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials"}],
    ids=["none", "container"],
)
def test_a_call_succeeds_once_credentials_are_available(moto_url, no_credentials, variables):
    settings = settings_for(moto_url)
    with no_credentials.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        create_tables(settings)
    with no_credentials.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        dao = NewsDao(settings)
        assert seconds_until_unavailable(dao) < 6
    no_credentials.setenv("AWS_ACCESS_KEY_ID", "test")
    no_credentials.setenv("AWS_SECRET_ACCESS_KEY", "test")
    context = RequestContext()
    token = CURRENT_CONTEXT.set(context)
    try:
        assert dao.find(stored(1).id) is None
    finally:
        CURRENT_CONTEXT.reset(token)
    assert context.dynamodb_calls == 1


class Credentials(BaseHTTPRequestHandler):
    """A container credentials endpoint. Its credentials expire soon, so each call refreshes them."""

    def do_GET(self):
        time.sleep(self.server.seconds)
        body = json.dumps(
            {
                "AccessKeyId": "test",
                "SecretAccessKey": "test",
                "Token": "test",
                "Expiration": (datetime.now(UTC) + timedelta(seconds=60)).isoformat(),
            }
        ).encode()
        with contextlib.suppress(OSError):
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint(no_credentials):
    with ThreadingHTTPServer(("127.0.0.1", 0), Credentials) as server:
        server.daemon_threads = True
        server.seconds, server.status = 0, 200
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        no_credentials.setenv(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_port}/credentials"
        )
        yield server
        server.shutdown()


@pytest.mark.parametrize(("seconds", "status"), [(30, 200), (0, 500)], ids=["silent", "failing"])
def test_credentials_that_cannot_be_refreshed_are_unavailable_until_then(moto_url, endpoint, seconds, status):
    settings = settings_for(moto_url)
    create_tables(settings)
    dao = NewsDao(settings)
    assert dao.find(stored(1).id) is None
    endpoint.seconds, endpoint.status = seconds, status
    assert seconds_until_unavailable(dao) < 6
    if status != 200:  # the hanging refresh continues in the background and holds botocore's lock
        endpoint.seconds, endpoint.status = 0, 200
        assert dao.find(stored(1).id) is None
