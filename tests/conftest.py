"""Fixtures for all tests: settings, real servers, and a table."""

import os
import signal

import pytest

from news.dao import NewsDao
from support.environment import ROOT, UNMEASURED, settings_for
from support.moto_server import start_moto
from support.redis_servers import BINARY, REASON, Valkey
from tools.local.ministack import start_ministack
from tools.local.processes import Processes
from tools.local.tables import create_tables

SLOW_FOLDERS = ("project", "integration")


def pytest_xdist_auto_num_workers():
    """Start one worker more than there are processors, because tests also wait for servers and timeouts."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items):
    """Order the slow folders first, so that no worker of pytest-xdist is idle at the end."""

    def position(item):
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        return SLOW_FOLDERS.index(folder) if folder in SLOW_FOLDERS else len(SLOW_FOLDERS)

    items.sort(key=position)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Escape lone surrogates in captured output, which pytest-xdist cannot transfer."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_sessionstart():
    """Let programs be interrupted: a shell starts its background jobs with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
    return f"http://127.0.0.1:{start_moto(processes, tmp_path_factory.mktemp('moto') / 'log')}"


@pytest.fixture(scope="session")
def ministack_url(processes, tmp_path_factory):
    """A DynamoDB whose conditional writes are atomic, and whose pages end where DynamoDB's do."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in UNMEASURED.items():
            patch.setenv(name, value)
        return start_ministack(processes, tmp_path_factory.mktemp("ministack") / "log")


@pytest.fixture(params=["moto_url", "ministack_url"])
def settings(request):
    """Settings of a new table, once on moto and once on MiniStack."""
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
