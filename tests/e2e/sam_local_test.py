"""`sam build` and `sam local start-api`: create, read and list news through them.

The function runs in a container of Lambda's image. Its cache and its DynamoDB run on the host.
"""

import json
import platform
import re
import shutil
import subprocess
import sys
import time
from ipaddress import ip_network
from pathlib import Path

import pytest
import requests

from news.dao import NewsDao
from shared.config import Settings
from support import token_issuer
from support.environment import CLEAN
from support.fakes import etag, sent
from support.moto_server import start_moto
from support.project_copy import copied
from support.redis_servers import BINARY, REASON, Valkey
from tools.local.processes import Processes, free_port
from tools.local.tables import TABLES, create_tables

SAM = Path(f"{sys.prefix}-deploy/bin/sam")
ARCH = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
TABLE = "news-sam-local"
NAMES = {module: module for module in TABLES} | {"news": TABLE}
START_SECONDS = 120
"""Before the first call, sam adds its emulator to Lambda's image."""


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def gateway():
    """The address of the host inside containers."""
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker engine is reachable; set DOCKER_HOST to use another one")
    if not SAM.exists():
        pytest.skip(f"{SAM.parent.parent.name} does not exist; run `make e2e`")
    network = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
    return network.get("Gateway") or str(
        ip_network(network["Subnet"])[1]
    )  # the default gateway is not listed


@pytest.fixture(scope="module")
def valkey(gateway, tmp_path_factory):
    if not BINARY:
        pytest.skip(REASON)
    reachable = ("--bind", "127.0.0.1", gateway, "--protected-mode", "no")
    with Valkey(tmp_path_factory.mktemp("valkey"), *reachable) as server:
        yield server


@pytest.fixture(scope="module")
def dynamodb_port(gateway, tmp_path_factory):
    with Processes() as processes:
        port = start_moto(processes, tmp_path_factory.mktemp("moto") / "log", gateway)
        settings = Settings("local", "us-east-1", NAMES, dynamodb_endpoint=f"http://127.0.0.1:{port}")
        create_tables(settings)
        NewsDao(settings).ping()
        yield port


@pytest.fixture(scope="module")
def project(gateway, tmp_path_factory):
    """A clean copy of the project, like a fresh clone."""
    return copied(tmp_path_factory.mktemp("project") / "clone")


@pytest.fixture(scope="module")
def api(project, gateway, valkey, dynamodb_port):
    """The URL of `sam local start-api`."""
    env = CLEAN | {"SAM_CLI_TELEMETRY": "0", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    # sam local has no authorizer, so the function verifies tokens.
    build = env | {"ARCH": ARCH, "VERIFIER": "yes"}
    subprocess.run([SAM, "build"], cwd=project, env=build, check=True, capture_output=True)
    (project / ".aws-sam/build/NewsFunction/jwks.json").write_bytes(token_issuer.jwks())
    variables = {
        "NEWS_TABLE": TABLE,
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://host.docker.internal:{dynamodb_port}",
        "REDIS_URL": f"redis://host.docker.internal:{valkey.port}/0",
        "AUTH_ISSUER": token_issuer.ISSUER,
        "AUTH_AUDIENCE": token_issuer.AUDIENCE,
        "AUTH_JWKS": "/var/task/jwks.json",
    }
    (project / "env.json").write_text(json.dumps({"NewsFunction": variables}))
    port = free_port()
    command = [
        "env",
        "-C",
        str(project),
        str(SAM),
        "local",
        "start-api",
        "--port",
        str(port),
        "--env-vars",
        "env.json",
    ]
    command += ["--add-host", f"host.docker.internal:{gateway}", "--warm-containers", "EAGER"]
    command += ["--parameter-overrides", "Stage=local", "Cache=false", f"Architecture={ARCH}"]
    if docker("image", "ls", "--quiet", "--filter", "reference=*/lambda/python:3.14-*"):
        command.append("--skip-pull-image")
    log = project / "sam.log"
    with Processes() as processes:
        process = processes.start(command, env=env, log=log)
        deadline = time.monotonic() + START_SECONDS
        while "Running on" not in log.read_text() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
        assert "Running on" in log.read_text(), log.read_text()
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def writer():
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token_issuer.token()}"
        yield session


@pytest.fixture(scope="module")
def created(api, writer):
    return writer.post(f"{api}/news", json=sent("sam-local"), timeout=60)


def test_news_is_created(created):
    assert (created.status_code, created.headers["ETag"]) == (201, etag(created.json()))
    assert re.fullmatch(r"/news/[0-9a-f-]{36}", created.headers["Location"])


def test_second_read_of_an_item_is_a_cache_hit(api, created):
    responses = [requests.get(api + created.headers["Location"], timeout=60) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 200]
    assert [response.headers["X-Cache"] for response in responses] == ["MISS", "HIT"]
    assert [response.json() for response in responses] == [created.json(), created.json()]


@pytest.mark.parametrize("path", ["/news", "/news/"])
def test_news_is_listed_with_and_without_a_trailing_slash(api, created, path):
    listed = requests.get(api + path, timeout=60)
    assert listed.status_code == 200
    assert created.json() in listed.json()["items"]


def test_write_without_a_token_is_rejected(api):
    rejected = requests.post(f"{api}/news", json=sent("nobody"), timeout=60)
    assert (rejected.status_code, rejected.headers["Content-Type"]) == (401, "application/problem+json")


def test_deep_health_check_reaches_dynamodb_and_redis(api):
    healthy = requests.get(f"{api}/health", params={"deep": "1"}, timeout=60)
    assert healthy.json() == {"status": "ok", "checks": {"redis": "ok", "dynamodb": "ok"}}
