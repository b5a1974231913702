"""The packages of requirements/serve.txt, and no others, run what the container images run."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from support.environment import CLEAN, ROOT
from support.gunicorn_server import GunicornServer
from support.raw_http import WAIT_SECONDS
from tools.local.processes import free_port


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment with the packages that the images install."""
    environment = tmp_path_factory.mktemp("served")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    lock = ROOT / "requirements" / "serve.txt"
    install = ("install", "--quiet", "--no-deps", "--require-hashes", "--python", python, "-r", lock)
    subprocess.run([uv, "pip", *install], check=True)
    return python


def test_gunicorn_serves_with_the_packages_of_its_image(python, tmp_path):
    metrics = f"127.0.0.1:{free_port()}"
    with GunicornServer(tmp_path, PYTHON=str(python), METRICS_BIND=metrics) as server:
        for url in (f"{server.url}/health", f"{server.url}/docs", f"http://{metrics}/metrics"):
            assert requests.get(url, timeout=WAIT_SECONDS).status_code == 200


@pytest.mark.parametrize("module", ["tools.local.compose_setup", "tools.local.tables", "tools.local.token"])
def test_setup_tasks_start_with_the_packages_of_their_image(python, module):
    command = [python, "-c", f"import {module}"]
    done = subprocess.run(command, cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
