"""The images of the Dockerfile: their contents, and the service that runs in them."""

import contextlib
import json
import re
import subprocess

import pytest
import requests

from e2e.engine import build, docker, wait_until
from support.environment import ROOT
from support.raw_http import WAIT_SECONDS

HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
STAGE = ["--env", "STAGE=dev", "--env", "AWS_REGION=us-east-1", "--env", "NEWS_TABLE=news"]


@pytest.fixture(scope="module")
def image():
    return build("gunicorn")


@pytest.fixture(scope="module")
def lambda_image():
    return build("lambda")


@contextlib.contextmanager
def running(image, port, *options):
    """Yield the ID of a container, and the URL of its published port."""
    container = docker("run", "--detach", "--publish", f"127.0.0.1::{port}", *options, image)
    try:
        host = docker("port", container, str(port)).splitlines()[0]
        yield container, f"http://{host}"
    finally:
        docker("rm", "--force", container)


def health(container):
    return docker("inspect", "--format", "{{.State.Health.Status}}", container)


def test_service_runs_read_only_without_capabilities_and_stops_cleanly(image):
    with running(image, 8000, *HARDENED, *STAGE) as (container, url):
        wait_until(lambda: health(container) == "healthy")
        assert requests.get(f"{url}/health", timeout=WAIT_SECONDS).json() == {"status": "ok"}
        document = requests.get(f"{url}/openapi.json", timeout=WAIT_SECONDS).json()
        assert document == json.loads((ROOT / "openapi.json").read_text())
        assert docker("exec", container, "id", "-u") == "10001"
        docker("stop", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"
        assert docker("diff", container) == ""
        assert docker("logs", container) == ""


def test_invalid_setting_aborts_startup_with_one_line(image):
    done = subprocess.run(["docker", "run", "--rm", image], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"settings: STAGE: .*\n", done.stderr)


def test_image_contains_no_build_tools_and_only_compiled_code(image):
    script = """
        for tool in pip pip3 gcc cc make git uv curl wget; do ! command -v $tool || exit 1; done
        for python in python3 /venv/bin/python; do ! $python -m pip 2>/dev/null || exit 2; done
        ! ls /app/tools /app/tests /app/.git /app/Makefile 2>/dev/null || exit 3
        find /app /venv -user 10001 -o -perm -o+w ! -type l | grep . && exit 4
        find /app /venv/lib -name '*.py' | while read file; do
            ls "${file%/*}/__pycache__/$(basename "$file" .py)".*.pyc >/dev/null || exit 5
        done
    """
    docker("run", "--rm", "--entrypoint", "sh", image, "-c", script)


def test_function_responds_in_its_image(lambda_image):
    event = {
        "version": "2.0",
        "rawPath": "/health",
        "rawQueryString": "",
        "headers": {},
        "isBase64Encoded": False,
    }
    event["requestContext"] = {"http": {"method": "GET", "path": "/health"}}
    with running(lambda_image, 8080, *HARDENED[:1], "--tmpfs", "/tmp", *STAGE) as (_, url):  # as on Lambda
        responses = []

        def invoke():
            with contextlib.suppress(requests.ConnectionError):
                path = "/2015-03-31/functions/function/invocations"
                responses.append(requests.post(url + path, json=event, timeout=WAIT_SECONDS).json())
            return responses

        wait_until(invoke)
    assert (responses[0]["statusCode"], responses[0]["body"]) == (200, '{"status":"ok"}')
