"""Servers of the integration tests that do not change their settings: each is started once per session."""

import pytest

from support.gunicorn_server import GunicornServer
from support.local_run import LocalRun


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """`make run` with default settings."""
    with LocalRun(tmp_path_factory.mktemp("run")) as started:
        yield started


@pytest.fixture(scope="session")
def gunicorn_server(tmp_path_factory):
    """gunicorn with default settings and without DynamoDB."""
    with GunicornServer(tmp_path_factory.mktemp("gunicorn"), measured=True) as started:
        yield started


@pytest.fixture(scope="session")
def bearer(local):
    return f"Authorization: Bearer {local.token()}\r\n".encode()
