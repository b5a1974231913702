"""The health check of the container image."""

import socket
import subprocess
import sys

import pytest

from support.environment import CLEAN, ROOT
from support.gunicorn_server import GunicornServer
from support.waiting import wait_until
from tools.local.processes import free_port


@pytest.mark.parametrize(
    "bind",
    [
        "unix:{folder}/news.sock",
        "127.0.0.1:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "[::]:{port}",
        "localhost:{port}",
    ],
)
def test_the_health_probe_supports_every_form_of_bind(tmp_path, bind):
    if "[" in bind and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    address = bind.format(folder=tmp_path, port=free_port())
    assert probe(address) == 1
    server = GunicornServer(tmp_path, BIND=address)
    with server.processes as processes:
        processes.start(server.command, server.env, server.log)
        wait_until(lambda: probe(address) == 0)


def probe(bind):
    command = [sys.executable, "-m", "shared.gunicorn.health_probe", bind]
    return subprocess.run(command, cwd=ROOT, env=CLEAN, check=False, timeout=30).returncode


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
