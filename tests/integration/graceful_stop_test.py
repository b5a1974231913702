"""Graceful stop: accepted requests get a complete response, and later connections are refused."""

import contextlib
import json
import re
import signal
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from news.service import NewsService
from support.environment import settings_for, table_settings
from support.fakes import sent
from support.gunicorn_server import GunicornServer
from support.raw_http import CLOSED, HOST, WAIT_SECONDS, connect, get, read_all, statuses
from tools.local.tables import create_tables

REFUSED = (ConnectionRefusedError, ConnectionResetError)
"""What connect() raises without a listener, and when it closes during the handshake."""


class Client(threading.Thread):
    """Sends requests until it is refused a connection or has `max_responses`. Records all other errors."""

    def __init__(self, server, *, keep_alive, max_responses=sys.maxsize):
        super().__init__()
        self.server, self.keep_alive, self.max_responses = server, keep_alive, max_responses
        self.responses, self.errors = 0, []
        self.start()

    def run(self):
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=WAIT_SECONDS)
        while not self.errors and self.responses < self.max_responses:
            try:
                if connection.sock is None:
                    connection.connect()
            except REFUSED:
                return
            try:
                self.send(connection)
            except Exception as error:  # noqa: BLE001  # any error is a lost response
                self.errors.append(repr(error))
        connection.close()

    def send(self, connection):
        connection.request(
            "GET", "/news/?limit=10", headers={} if self.keep_alive else {"Connection": "close"}
        )
        response = connection.getresponse()
        if (response.status, len(json.loads(response.read())["items"])) == (200, 10):
            self.responses += 1
        else:
            self.errors.append(response.status)


def wait_until_refused(server):
    with contextlib.suppress(*REFUSED):
        while True:
            connect(server.bind).close()
            time.sleep(0.01)


@pytest.fixture
def stage(moto_url):
    """Return the environment of a service with ten items and no cache."""
    settings = settings_for(moto_url)
    create_tables(settings)
    NewsService.from_settings(settings).create_many([sent(str(number)) for number in range(10)])
    return {"AWS_ENDPOINT_URL_DYNAMODB": moto_url, **table_settings(settings)}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_loses_no_accepted_request(stage, tmp_path, workers):
    with GunicornServer(tmp_path, WORKERS=workers, **stage) as server:
        clients = [Client(server, keep_alive=number % 2 == 0) for number in range(8)]
        while min(client.responses for client in clients) < 3 and not any(
            client.errors for client in clients
        ):
            clients[0].join(0.05)
        server.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
        assert server.process.wait(WAIT_SECONDS) == 0
    assert [client.errors for client in clients if client.errors] == []
    assert server.other_log_lines() == []


def test_replacing_a_worker_loses_no_request(stage, tmp_path):
    with GunicornServer(tmp_path, MAX_REQUESTS="50", **stage) as server:
        clients = [Client(server, keep_alive=number % 2 == 0, max_responses=20) for number in range(8)]
        for client in clients:
            client.join()
    assert [client.errors for client in clients if client.errors] == []
    assert server.other_log_lines() == []


def test_a_stop_waits_for_a_started_request_but_not_for_idle_connections(tmp_path):
    with GunicornServer(tmp_path, measured=True, TIMEOUT="600") as server:
        begun, stalled, idle = (connect(server.bind) for _ in range(3))
        with begun, stalled, idle:
            begun.sendall(b"GET /health HTTP/1.1\r\n")
            stalled.sendall(b"GET /health HTTP/1.1\r\n")
            idle.sendall(get(b"/health"))
            received = b""
            while not received.endswith(b'{"status":"ok"}'):
                received += idle.recv(65536)
            server.process.send_signal(signal.SIGTERM)
            wait_until_refused(server)
            begun.sendall(HOST + b"\r\n")
            received = read_all(begun)
            assert (statuses(received), b"Connection: close" in received) == ([200], True)
            assert (read_all(stalled), read_all(idle)) == (CLOSED, CLOSED)
            assert server.process.wait(WAIT_SECONDS) == 0


def handles_signals(worker):
    """Return whether a worker has installed its signal handlers. Before that, it ignores SIGTERM."""
    caught = int(
        re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{worker}/status").read_text(), re.MULTILINE)[1], 16
    )
    return caught >> signal.SIGABRT - 1 & 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_connections_that_wait_for_a_starting_worker_are_served_before_a_stop(tmp_path):
    with (
        GunicornServer(tmp_path) as server,
        connect(server.bind) as waiting,
    ):  # gunicorn listens before its workers start
        waiting.sendall(get(b"/health"))
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        while not (workers := children.read_text().split()) or not handles_signals(workers[0]):
            time.sleep(0.001)
        server.process.send_signal(signal.SIGTERM)
        assert statuses(read_all(waiting)) == [200]
        assert server.process.wait(WAIT_SECONDS) == 0
    assert server.other_log_lines() == []
