"""The Prometheus metrics under gunicorn: their address, their counts, and their failures."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from shared.observability.request_log import RequestLog
from support.cache_harness import make_app
from support.environment import CLEAN, ROOT
from support.fakes import FakeDao
from support.gunicorn_server import SETTINGS, GunicornServer
from support.raw_http import WAIT_SECONDS, exchange, get, statuses
from tools.local.processes import free_port


class MetricsServer(GunicornServer):
    """A server with Prometheus metrics."""

    def __init__(self, folder, **env):
        self.metrics_bind = f"127.0.0.1:{free_port()}"
        super().__init__(folder, METRICS_BIND=self.metrics_bind, **env)

    def scrape(self):
        """Return the samples, by name and labels."""
        received = requests.get(f"http://{self.metrics_bind}/metrics", timeout=WAIT_SECONDS)
        assert received.status_code == 200
        lines = [line for line in received.text.splitlines() if line[0] != "#"]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def count(self, route="GET /health", status_class="2xx"):
        return self.scrape().get(f'news_requests_total{{route="{route}",status_class="{status_class}"}}', 0)

    def folder(self):
        """Return the folder in which the workers share their metrics."""
        [worker, *_] = self.workers()
        maps = Path(f"/proc/{worker}/maps").read_text().splitlines()
        return Path(next(line.split()[-1] for line in maps if line.endswith(".db"))).parent

    def request(self):
        """Send a request on a new connection. Retry while the only worker is being replaced."""
        for _ in range(100):
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"{self.url}/health", timeout=WAIT_SECONDS).status_code
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())


@pytest.fixture(scope="module")
def metrics_server(tmp_path_factory):
    with MetricsServer(tmp_path_factory.mktemp("metrics_server")) as started:
        yield started


def wait_until(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "target", ["/metrics", "//metrics", "/%6detrics", "/./metrics", "/metrics/", "http://127.0.0.1/metrics"]
)
def test_the_public_address_has_no_metrics(metrics_server, target):
    port = metrics_server.metrics_bind.rpartition(":")[2].encode()
    for host in (b"127.0.0.1", b"127.0.0.1:" + port):
        received = exchange(metrics_server.bind, get(target.encode(), headers=b"Host: " + host + b"\r\n"))
        assert statuses(received) == [404]
        assert b"news_requests_total" not in received


def test_a_unix_socket_has_no_metrics_for_any_host_header(tmp_path):
    path, port = tmp_path / "news.sock", free_port()
    server = GunicornServer(tmp_path, METRICS_BIND=f"127.0.0.1:{port}")
    server.env["BIND"] = f"unix:{path}"
    server.port = port
    with server, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(get(b"/metrics", headers=b"Host: 127.0.0.1:%d\r\nConnection: close\r\n" % port))
        assert statuses(client.recv(65536)) == [404]


def test_the_metrics_address_serves_only_metrics(metrics_server):
    assert metrics_server.scrape() is not None
    for path in ("/", "/health", "/news/", "/metrics/x"):
        assert (
            requests.get(f"http://{metrics_server.metrics_bind}{path}", timeout=WAIT_SECONDS).status_code
            == 404
        )
    assert (
        requests.post(f"http://{metrics_server.metrics_bind}/metrics", timeout=WAIT_SECONDS).status_code
        == 404
    )


def test_a_scrape_is_not_counted_as_a_request(metrics_server):
    before = sum(value for name, value in metrics_server.scrape().items() if "requests_total" in name)
    assert sum(value for name, value in metrics_server.scrape().items() if "requests_total" in name) == before


def test_a_request_that_gunicorn_rejects_is_counted(metrics_server):
    before = metrics_server.count("none", "4xx")
    assert statuses(exchange(metrics_server.bind, get(b"/" + b"a" * 9000))) == [414]
    assert metrics_server.count("none", "4xx") == before + 1


def test_metrics_path_alone_enables_metrics_on_the_loopback_address(tmp_path):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 9464))
        except OSError:
            pytest.skip("something listens on 127.0.0.1:9464")
    with GunicornServer(tmp_path, METRICS_PATH="/internal/metrics"):
        url = "http://127.0.0.1:9464/internal/metrics"
        assert requests.get(url, timeout=WAIT_SECONDS).status_code == 200


def test_an_address_in_use_aborts_startup_and_is_logged(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        server = GunicornServer(tmp_path, METRICS_BIND=f"127.0.0.1:{port}")
        start = subprocess.run(
            server.command, env=server.env, capture_output=True, text=True, check=False, timeout=60
        )
    assert start.returncode == 1
    assert port in start.stderr


def test_requests_and_worker_starts_succeed_after_the_metrics_folder_is_deleted(tmp_path):
    with MetricsServer(tmp_path, MAX_REQUESTS="20") as server:
        assert server.request() == 200
        folder = server.folder()
        shutil.rmtree(folder)
        assert server.request() == 200
        assert requests.get(f"{server.url}/nix", timeout=WAIT_SECONDS).status_code == 404
        assert server.scrape() == {}
        [worker] = server.workers()
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: worker not in server.workers())
        assert server.request() == 200
        wait_until(lambda: server.request() == 200 and server.count() > 0)  # counted again
        for _ in range(50):  # beyond MAX_REQUESTS
            assert server.request() == 200
        assert server.process.poll() is None
    assert not folder.exists()


def test_an_app_starts_although_its_metrics_folder_is_gone(tmp_path):
    code = """if True:
        import os
        from shared.app import create_app
        from shared.config import Settings
        app = create_app(Settings.from_env(os.environ))
        print(app.test_client().get("/health").status_code)
    """
    env = (
        CLEAN | SETTINGS | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "gone"), "METRICS_BIND": "127.0.0.1:1"}
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "200\n"
    assert "metrics are unavailable" in ended.stderr


def test_replaced_workers_reuse_the_files_and_lose_no_count(tmp_path):
    with MetricsServer(tmp_path, MAX_REQUESTS="5", WORKERS="2") as server:
        for _ in range(40):
            assert server.request() == 200
        folder = server.folder()
        assert folder.is_relative_to("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/")
        wait_until(lambda: len(server.workers()) == 2)
        assert server.count() == 40
        assert len(list(folder.iterdir())) <= 2 * 4  # two files per worker; replaced workers may overlap
    assert not folder.exists()


def test_the_counts_of_a_killed_worker_remain(tmp_path):
    with MetricsServer(tmp_path) as server:
        for _ in range(3):
            assert server.request() == 200
        [worker] = server.workers()
        os.kill(int(worker), signal.SIGKILL)
        wait_until(lambda: server.workers() not in ([worker], []))
        assert server.count() == 3
        assert all(
            line.startswith("{") for line in server.other_log_lines()
        )  # including those of the arbiter
        assert "MonkeyPatchWarning" not in server.log.read_text()


def test_a_failing_reporter_does_not_change_responses_and_is_logged_once_a_minute(caplog):
    calls = []

    def failing(*_):
        calls.append("failing")
        raise OSError("no space left")

    app = make_app(FakeDao(), None)
    app.wsgi_app = RequestLog(app.wsgi_app.app, [failing, lambda *_: calls.append("next")])
    client = app.test_client()
    assert [client.get("/health").status_code for _ in range(3)] == [200] * 3
    assert calls == ["failing", "next"] * 3
    assert len([record for record in caplog.records if "failed to log or count" in record.message]) == 1


def test_metrics_are_disabled_by_default(tmp_path):
    with GunicornServer(tmp_path) as server:
        assert statuses(exchange(server.bind, get(b"/metrics"))) == [404]
        assert ".db" not in Path(f"/proc/{server.workers()[0]}/maps").read_text()
