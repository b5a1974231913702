"""SIGTERM under load: whoever was let in gets a whole answer, and whoever comes later is refused."""

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
from support.gunicorn_server import Served
from support.raw_http import CLOSED, HEAD, WAIT_SECONDS, connect, get, rest, statuses
from tools.local.tables import create_tables


class Client(threading.Thread):
    """Asks again and again, until it is refused a connection or has enough; what else goes wrong is kept."""

    def __init__(self, served, *, keeps, enough=sys.maxsize):
        super().__init__()
        self.served, self.keeps, self.enough = served, keeps, enough
        self.answers, self.wrong = 0, []
        self.start()

    def run(self):
        connection = HTTPConnection("127.0.0.1", self.served.port, timeout=WAIT_SECONDS)
        while not self.wrong and self.answers < self.enough:
            try:
                if connection.sock is None:
                    connection.connect()
            except ConnectionRefusedError:
                return
            try:
                self.ask(connection)
            except Exception as error:  # noqa: BLE001  # whatever it is, an answer was lost
                self.wrong.append(repr(error))
        connection.close()

    def ask(self, connection):
        connection.request("GET", "/news/?limit=10", headers={} if self.keeps else {"Connection": "close"})
        answer = connection.getresponse()
        if (answer.status, len(json.loads(answer.read())["items"])) == (200, 10):
            self.answers += 1
        else:
            self.wrong.append(answer.status)


def wait_until_refused(served):
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            connect(served.bind).close()
            time.sleep(0.01)


@pytest.fixture
def stage(moto_url):
    """The environment of a service with ten items and no cache."""
    settings = settings_for(moto_url)
    create_tables(settings)
    NewsService.from_settings(settings).create_many([sent(str(number)) for number in range(10)])
    return {"AWS_ENDPOINT_URL_DYNAMODB": moto_url, **table_settings(settings)}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_request_in_flight_is_lost(stage, tmp_path, workers):
    with Served(tmp_path, WORKERS=workers, **stage) as served:
        clients = [Client(served, keeps=number % 2 == 0) for number in range(8)]
        while min(client.answers for client in clients) < 3 and not any(client.wrong for client in clients):
            clients[0].join(0.05)
        served.gunicorn.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
        assert served.gunicorn.wait(WAIT_SECONDS) == 0
    assert [client.wrong for client in clients if client.wrong] == []
    assert served.complaints() == []


def test_no_request_is_lost_when_a_worker_is_replaced(stage, tmp_path):
    with Served(tmp_path, MAX_REQUESTS="50", **stage) as served:
        clients = [Client(served, keeps=number % 2 == 0, enough=40) for number in range(8)]
        for client in clients:
            client.join()
    assert [client.wrong for client in clients if client.wrong] == []
    assert served.complaints() == []


def test_a_stop_waits_for_the_rest_of_a_request_but_not_for_idle_connections(tmp_path):
    with Served(tmp_path, TIMEOUT="600") as served:
        begun, stalled, idle = (connect(served.bind) for _ in range(3))
        with begun, stalled, idle:
            begun.sendall(b"GET /health HTTP/1.1\r\n")
            stalled.sendall(b"GET /health HTTP/1.1\r\n")
            idle.sendall(get(b"/health"))
            received = b""
            while not received.endswith(b'{"status":"ok"}'):
                received += idle.recv(65536)
            served.gunicorn.send_signal(signal.SIGTERM)
            wait_until_refused(served)
            begun.sendall(HEAD + b"\r\n")
            received = rest(begun)
            assert (statuses(received), b"Connection: close" in received) == ([200], True)
            assert (rest(stalled), rest(idle)) == (CLOSED, CLOSED)
            assert served.gunicorn.wait(WAIT_SECONDS) == 0


def minds_signals(worker):
    """Whether a worker has handlers of its own; before that SIGTERM is lost on it."""
    caught = int(
        re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{worker}/status").read_text(), re.MULTILINE)[1], 16
    )
    return caught >> signal.SIGABRT - 1 & 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a worker minds is read in /proc")
def test_those_who_wait_while_a_worker_starts_are_served_before_a_stop(tmp_path):
    with (
        Served(tmp_path) as served,
        connect(served.bind) as waiting,
    ):  # gunicorn listens before it has workers
        waiting.sendall(get(b"/health"))
        children = Path(f"/proc/{served.gunicorn.pid}/task/{served.gunicorn.pid}/children")
        while not (workers := children.read_text().split()) or not minds_signals(workers[0]):
            time.sleep(0.001)
        served.gunicorn.send_signal(signal.SIGTERM)
        assert statuses(rest(waiting)) == [200]
        assert served.gunicorn.wait(WAIT_SECONDS) == 0
    assert served.complaints() == []
