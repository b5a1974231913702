"""Fixtures of the request log: an app that logs JSON, and the log record of a request."""

import pytest

from shared.observability.logs import init_logs
from support.cache_harness import make_app
from support.fakes import FakeDao, stored
from support.log_lines import parse_request_log


@pytest.fixture(autouse=True)
def plain_log():
    """Restore the text log for other tests."""
    yield
    init_logs("INFO", as_json=False)


@pytest.fixture
def dao():
    dao = FakeDao()
    dao.add(stored(1))
    return dao


@pytest.fixture
def app(dao):
    return make_app(dao, None, log_json=True)


@pytest.fixture
def log_of(app, capsys):
    """Return a function that sends a request and returns its log record."""

    def log_of(path, method="GET", **options):
        capsys.readouterr()
        app.test_client().open(path, method=method, **options)
        [line] = parse_request_log(capsys.readouterr().err)
        return line

    return log_of
