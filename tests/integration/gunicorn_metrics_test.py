"""The Prometheus metrics under gunicorn: their address, their counts, and their failures."""

import socket
import subprocess
from pathlib import Path

import pytest
import requests

from support.gunicorn_server import GunicornServer
from support.metrics_server import MetricsServer
from support.raw_http import WAIT_SECONDS, exchange, get, statuses
from tools.local.processes import free_port


@pytest.fixture(scope="module")
def metrics_server(tmp_path_factory):
    with MetricsServer(tmp_path_factory.mktemp("metrics_server")) as started:
        yield started


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
    server = GunicornServer(tmp_path, measured=True, METRICS_BIND=f"127.0.0.1:{port}")
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
    with GunicornServer(tmp_path, measured=True, METRICS_PATH="/internal/metrics"):
        url = "http://127.0.0.1:9464/internal/metrics"
        assert requests.get(url, timeout=WAIT_SECONDS).status_code == 200


def test_an_address_in_use_aborts_startup_and_is_logged(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        server = GunicornServer(tmp_path, measured=True, METRICS_BIND=f"127.0.0.1:{port}")
        start = subprocess.run(
            server.command, env=server.env, capture_output=True, text=True, check=False, timeout=60
        )
    assert start.returncode == 1
    assert port in start.stderr


def test_metrics_are_disabled_by_default(tmp_path):
    with GunicornServer(tmp_path) as server:
        assert statuses(exchange(server.bind, get(b"/metrics"))) == [404]
        assert ".db" not in Path(f"/proc/{server.workers()[0]}/maps").read_text()
