"""What the tests have in common: settings, real servers, and a table to work on."""

import os
import shutil
import subprocess
import sys

import pytest

from news.dao import NewsDao
from support.environment import DYNALITE, settings_for
from support.redis_servers import BINARY, REASON, Valkey
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import create_tables


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Escape lone surrogates in captured output, which pytest-xdist cannot transfer."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


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
    command = [sys.executable, "-m", "gunicorn", "tools.local.embedded_dynamodb:app", "--no-control-socket"]
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
