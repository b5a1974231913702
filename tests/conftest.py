"""What the tests have in common: settings, real servers, and a table to work on."""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from redis_servers import BINARY, REASON, Valkey

from news.dao import NewsDao
from shared.config import Settings
from tools.processes import Processes, free_port, wait_for_port
from tools.tables import TABLES, create_tables

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
DYNALITE = ROOT / "node_modules" / "dynalite" / "cli.js"
SETTINGS = (
    "AUTH_",
    "AWS_",
    "BIND",
    "CORS_",
    "DOCS",
    "FEED_",
    "LIMIT_",
    "LOCAL",
    "LOG_",
    "MAX_",
    "METRICS_",
    "NEWS_",
    "PROFILE",
    "PROMETHEUS_",
    "REDIS_",
    "RELOAD",
    "STAGE",
    "TIMEOUT",
    "WORKERS",
)
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
"""The environment without a setting of the developer's."""


@pytest.fixture(autouse=True, scope="session")
def credentials():
    """Servers on this machine take any; nothing here may ever use real ones."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "test"


@pytest.fixture(scope="session")
def processes():
    with Processes() as started:
        yield started


@pytest.fixture(scope="session")
def moto_url(processes, tmp_path_factory):
    """The embedded DynamoDB of a local run."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "tools.embedded_dynamodb:app", "--no-control-socket"]
    command += ["--bind", f"127.0.0.1:{port}", "--threads", "8", "--timeout", "0"]
    wait_for_port(processes.start(command, log=tmp_path_factory.mktemp("moto") / "log"), port)
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def dynalite_url(processes, tmp_path_factory):
    """A DynamoDB whose conditional writes are atomic and whose pages end as DynamoDB's do."""
    node = shutil.which("node")
    if not node or not DYNALITE.exists():
        pytest.skip("dynalite needs Node 20 and `npm ci`")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").split(".")[0]) < 20:
        pytest.skip(f"dynalite needs Node 20, this is {version.strip()}")
    port = free_port()
    command = [node, str(DYNALITE), "--host", "127.0.0.1", "--port", str(port), "--createTableMs", "0"]
    wait_for_port(processes.start(command, log=tmp_path_factory.mktemp("dynalite") / "log"), port)
    return f"http://127.0.0.1:{port}"


def settings_for(endpoint, **changes):
    """Settings with tables of their own."""
    tables = {module: f"{module}-{uuid.uuid4().hex}" for module in TABLES}
    return Settings(
        stage="local", region="us-east-1", dynamodb_endpoint=endpoint, **{"tables": tables} | changes
    )


def table_settings(settings):
    """The variables from which the settings' tables are read."""
    return {f"{module.upper()}_TABLE": name for module, name in settings.tables.items()}


@pytest.fixture(params=["moto_url", "dynalite_url"])
def settings(request):
    """Settings of a new table, once on each DynamoDB that there is."""
    made = settings_for(request.getfixturevalue(request.param))
    create_tables(made)
    return made


@pytest.fixture
def dao(settings):
    return NewsDao(settings)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory):
    """A real Valkey; a test whose server is to suffer starts its own."""
    if not BINARY:
        pytest.skip(REASON)
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey(valkey_server):
    """The real Valkey, empty."""
    with valkey_server.client() as client:
        client.flushall()
    return valkey_server
