"""Prometheus metrics of replaced and killed workers, and without their folder."""

import os
import shutil
import signal
import subprocess
import sys

import requests

from shared.observability.request_log import RequestLog
from support.cache_harness import make_app
from support.environment import CLEAN, ROOT
from support.fakes import FakeDao
from support.gunicorn_server import SETTINGS
from support.metrics_server import MetricsServer
from support.raw_http import WAIT_SECONDS
from support.waiting import wait_until


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
