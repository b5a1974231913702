"""`docker compose up` starts the service with a cache; data survives the containers.

Without a registry, MiniStack replaces the image of DynamoDB local, and this machine's Valkey its image.
"""

import json
import shutil
import uuid

import pytest
import requests

from e2e.engine import docker, require_engine, succeeds, wait_until
from support.environment import ROOT
from support.fakes import sent
from support.lambda_emulator import HERE
from support.raw_http import WAIT_SECONDS
from support.redis_servers import BINARY, REASON
from tools.local.ministack import ENVIRONMENT
from tools.local.processes import free_port
from tools.package.python import RUNTIMES
from tools.package.uv import run, uv
from tools.package.wheels import PLATFORMS

MINISTACK = ENVIRONMENT | {
    "BIND_HOST": "0.0.0.0",
    "GATEWAY_PORT": "8000",
    "PERSIST_STATE": "1",
    "STATE_DIR": "/data",
}

FOR_VALKEY = """
FROM python:3.14-slim
COPY valkey-server /usr/local/bin/
"""

FOR_DYNAMODB = """
FROM python:3.14-slim
COPY packages /packages
ENV PYTHONPATH=/packages
"""


def image_name(service):
    return docker("compose", "config", "--images", service).split()[0]


def valkey(folder):
    if not BINARY:
        pytest.skip(REASON)
    shutil.copy(BINARY, folder / "valkey-server")
    (folder / "Dockerfile").write_text(FOR_VALKEY)
    return docker("build", "--quiet", str(folder))


def dynamodb(folder):
    target = (
        "--target",
        folder / "packages",
        "--python-platform",
        PLATFORMS[HERE],
        "--python-version",
        RUNTIMES[0],
    )
    lock = ROOT / "requirements" / "dev.txt"
    run(uv(), "pip", "install", "--quiet", *target, "--only-binary", ":all:", "-c", lock, "ministack")
    (folder / "Dockerfile").write_text(FOR_DYNAMODB)
    return docker("build", "--quiet", str(folder))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The compose files: compose.yaml, and an override that replaces images that cannot be pulled."""
    require_engine()
    if not succeeds("compose", "version"):
        pytest.skip("docker compose is not installed")
    override = tmp_path_factory.mktemp("compose") / "override.json"
    services = {}
    if not succeeds("pull", "--quiet", image_name("valkey")):
        command = ["valkey-server", "--save", "", "--maxmemory", "64mb", "--protected-mode", "no"]
        services["valkey"] = {"image": valkey(tmp_path_factory.mktemp("valkey")), "command": command}
    if not succeeds("pull", "--quiet", image_name("dynamodb")):
        services["dynamodb"] = {
            "image": dynamodb(tmp_path_factory.mktemp("dynamodb")),
            "command": ["python", "-m", "ministack"],
            "environment": MINISTACK,
            "init": True,
        }
    override.write_text(json.dumps({"services": services}))
    print(f"\nreplaced images: {', '.join(services) or 'none'}")
    return ["--file", "compose.yaml", "--file", str(override)]


@pytest.fixture
def compose(files, monkeypatch):
    """Run docker compose commands in a temporary project, which is removed with its data."""
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    project = ["compose", "--project-name", f"news-{uuid.uuid4().hex[:8]}", *files]

    def run(*arguments):
        return docker(*project, *arguments)

    run.url = f"http://127.0.0.1:{port}"
    yield run
    run("down", "--volumes", "--timeout", "5", "--rmi", "local")


def is_healthy(url):
    try:
        return requests.get(f"{url}/health?deep=1", timeout=WAIT_SECONDS).json()["status"] == "ok"
    except requests.ConnectionError:
        return False


def test_data_is_cached_and_survives_the_containers(compose):
    compose("up", "--build", "--detach")
    wait_until(lambda: is_healthy(compose.url))
    bearer = {"Authorization": f"Bearer {compose('run', '--rm', 'setup', 'tools.local.token')}"}
    assert requests.post(f"{compose.url}/news/", json=sent(), timeout=WAIT_SECONDS).status_code == 401
    created = requests.post(f"{compose.url}/news/", json=sent(), headers=bearer, timeout=WAIT_SECONDS)
    assert created.status_code == 201
    item = compose.url + created.headers["Location"]
    responses = [requests.get(item, timeout=WAIT_SECONDS) for _ in range(2)]
    assert [response.headers["X-Cache"] for response in responses] == ["MISS", "HIT"]
    compose("down", "--timeout", "40")
    compose("up", "--detach")
    wait_until(lambda: is_healthy(compose.url))
    assert requests.get(item, timeout=WAIT_SECONDS).json() == created.json()
    assert requests.get(f"{compose.url}/news/", timeout=WAIT_SECONDS).json()["items"] == [created.json()]
    deleted = requests.delete(item, headers=bearer, timeout=WAIT_SECONDS)
    assert deleted.status_code == 204
