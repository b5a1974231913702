"""The metrics of a run under gunicorn: where they are, what they count, that they are never in the way."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from shared.observability.request_log import RequestLog
from support.cache_harness import make_app
from support.fakes import FakeDao
from support.gunicorn_server import Served
from support.raw_http import WAIT_SECONDS, exchange, get, statuses
from tools.local.processes import free_port


class Measured(Served):
    """A service with metrics."""

    def __init__(self, folder, **env):
        self.metrics_bind = f"127.0.0.1:{free_port()}"
        super().__init__(folder, METRICS_BIND=self.metrics_bind, **env)

    def scrape(self):
        """The samples, by their name and labels."""
        received = requests.get(f"http://{self.metrics_bind}/metrics", timeout=WAIT_SECONDS)
        assert received.status_code == 200
        lines = [line for line in received.text.splitlines() if line[0] != "#"]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def count(self, route="GET /health", status_class="2xx"):
        return self.scrape().get(f'news_requests_total{{route="{route}",status_class="{status_class}"}}', 0)

    def folder(self):
        """Where its workers share what they have counted."""
        [worker, *_] = self.workers()
        maps = Path(f"/proc/{worker}/maps").read_text().splitlines()
        return Path(next(line.split()[-1] for line in maps if line.endswith(".db"))).parent

    def ask(self):
        """A request on a new connection, again where the only worker is being replaced."""
        for _ in range(100):
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"{self.url}/health", timeout=WAIT_SECONDS).status_code
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    with Measured(tmp_path_factory.mktemp("measured")) as started:
        yield started


def until(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "target", ["/metrics", "//metrics", "/%6detrics", "/./metrics", "/metrics/", "http://127.0.0.1/metrics"]
)
def test_the_public_address_has_no_metrics(measured, target):
    port = measured.metrics_bind.rpartition(":")[2].encode()
    for host in (b"127.0.0.1", b"127.0.0.1:" + port):
        received = exchange(measured.bind, get(target.encode(), headers=b"Host: " + host + b"\r\n"))
        assert statuses(received) == [404]
        assert b"news_requests_total" not in received


def test_a_unix_socket_has_no_metrics_whatever_host_says(tmp_path):
    path, port = tmp_path / "news.sock", free_port()
    served = Served(tmp_path, METRICS_BIND=f"127.0.0.1:{port}")
    served.env["BIND"] = f"unix:{path}"
    served.port = port
    with served, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(get(b"/metrics", headers=b"Host: 127.0.0.1:%d\r\nConnection: close\r\n" % port))
        assert statuses(client.recv(65536)) == [404]


def test_the_metrics_address_has_metrics_only(measured):
    assert measured.scrape() is not None
    for path in ("/", "/health", "/news/", "/metrics/x"):
        assert requests.get(f"http://{measured.metrics_bind}{path}", timeout=WAIT_SECONDS).status_code == 404
    assert requests.post(f"http://{measured.metrics_bind}/metrics", timeout=WAIT_SECONDS).status_code == 404


def test_a_scrape_is_no_request_of_the_service(measured):
    before = sum(value for name, value in measured.scrape().items() if "requests_total" in name)
    assert sum(value for name, value in measured.scrape().items() if "requests_total" in name) == before


def test_what_gunicorn_refuses_is_counted(measured):
    before = measured.count("none", "4xx")
    assert statuses(exchange(measured.bind, get(b"/" + b"a" * 9000))) == [414]
    assert measured.count("none", "4xx") == before + 1


def test_metrics_path_alone_switches_metrics_on_at_the_loopback(tmp_path):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 9464))
        except OSError:
            pytest.skip("something listens on 127.0.0.1:9464")
    with Served(tmp_path, METRICS_PATH="/internal/metrics"):
        url = "http://127.0.0.1:9464/internal/metrics"
        assert requests.get(url, timeout=WAIT_SECONDS).status_code == 200


def test_an_address_in_use_ends_the_start_and_the_log_names_it(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        served = Served(tmp_path, METRICS_BIND=f"127.0.0.1:{port}")
        start = subprocess.run(
            served.command, env=served.env, capture_output=True, text=True, check=False, timeout=60
        )
    assert start.returncode == 1
    assert port in start.stderr


def test_requests_are_served_and_workers_start_after_the_folder_is_deleted(tmp_path):
    with Measured(tmp_path, MAX_REQUESTS="20") as served:
        assert served.ask() == 200
        folder = served.folder()
        shutil.rmtree(folder)
        assert served.ask() == 200
        assert requests.get(f"{served.url}/nix", timeout=WAIT_SECONDS).status_code == 404
        assert served.scrape() == {}
        [worker] = served.workers()
        served.gunicorn.send_signal(signal.SIGHUP)
        until(lambda: worker not in served.workers())
        assert served.ask() == 200
        until(lambda: served.ask() == 200 and served.count() > 0)  # counted again
        for _ in range(50):  # beyond MAX_REQUESTS
            assert served.ask() == 200
        assert served.gunicorn.poll() is None
    assert not folder.exists()


def test_files_are_as_many_as_workers_and_no_count_is_lost_when_workers_are_replaced(tmp_path):
    with Measured(tmp_path, MAX_REQUESTS="5", WORKERS="2") as served:
        for _ in range(40):
            assert served.ask() == 200
        folder = served.folder()
        assert folder.is_relative_to("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/")
        until(lambda: len(served.workers()) == 2)
        assert served.count() == 40
        assert len(list(folder.iterdir())) <= 2 * 4  # two files a worker, and a few that overlapped
    assert not folder.exists()


def test_a_killed_worker_leaves_its_counts(tmp_path):
    with Measured(tmp_path) as served:
        for _ in range(3):
            assert served.ask() == 200
        [worker] = served.workers()
        os.kill(int(worker), signal.SIGKILL)
        until(lambda: served.workers() not in ([worker], []))
        assert served.count() == 3
        assert all(line.startswith("{") for line in served.complaints())  # the arbiter's too
        assert "MonkeyPatchWarning" not in served.log.read_text()


def test_a_reporter_that_fails_changes_no_response_and_is_logged_once_a_minute(caplog):
    calls = []

    def failing(*_):
        calls.append("failing")
        raise OSError("no space left")

    app = make_app(FakeDao(), None)
    app.wsgi_app = RequestLog(app.wsgi_app.app, [failing, lambda *_: calls.append("next")])
    client = app.test_client()
    assert [client.get("/health").status_code for _ in range(3)] == [200] * 3
    assert calls == ["failing", "next"] * 3
    assert len([each for each in caplog.records if "failed to log or count" in each.message]) == 1


def test_without_the_setting_there_are_no_metrics_and_no_folder(tmp_path):
    with Served(tmp_path) as served:
        assert statuses(exchange(served.bind, get(b"/metrics"))) == [404]
        assert ".db" not in Path(f"/proc/{served.workers()[0]}/maps").read_text()
