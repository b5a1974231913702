"""Credentials that are missing or cannot be refreshed make DynamoDB unavailable, not broken."""

import contextlib
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from news.dao import NewsDao
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support.environment import settings_for
from support.fakes import seconds_until_unavailable, stored
from tools.local.tables import create_tables


@pytest.fixture
def no_credentials(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    return monkeypatch


def test_a_missing_token_file_is_unavailable(moto_url, no_credentials):
    no_credentials.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/absent/token")
    no_credentials.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/x")
    assert seconds_until_unavailable(NewsDao(settings_for(moto_url))) < 6


@pytest.mark.parametrize(
    "variables",
    [{}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials"}],
    ids=["none", "container"],
)
def test_a_call_succeeds_once_credentials_are_available(moto_url, no_credentials, variables):
    settings = settings_for(moto_url)
    with no_credentials.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        create_tables(settings)
    with no_credentials.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        dao = NewsDao(settings)
        assert seconds_until_unavailable(dao) < 6
    no_credentials.setenv("AWS_ACCESS_KEY_ID", "test")
    no_credentials.setenv("AWS_SECRET_ACCESS_KEY", "test")
    context = RequestContext()
    token = CURRENT_CONTEXT.set(context)
    try:
        assert dao.find(stored(1).id) is None
    finally:
        CURRENT_CONTEXT.reset(token)
    assert context.dynamodb_calls == 1


class Credentials(BaseHTTPRequestHandler):
    """A container credentials endpoint. Its credentials expire soon, so each call refreshes them."""

    def do_GET(self):
        time.sleep(self.server.seconds)
        body = json.dumps(
            {
                "AccessKeyId": "test",
                "SecretAccessKey": "test",
                "Token": "test",
                "Expiration": (datetime.now(UTC) + timedelta(seconds=60)).isoformat(),
            }
        ).encode()
        with contextlib.suppress(OSError):
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint(no_credentials):
    with ThreadingHTTPServer(("127.0.0.1", 0), Credentials) as server:
        server.daemon_threads = True
        server.seconds, server.status = 0, 200
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        no_credentials.setenv(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_port}/credentials"
        )
        yield server
        server.shutdown()


@pytest.mark.parametrize(("seconds", "status"), [(30, 200), (0, 500)], ids=["silent", "failing"])
def test_credentials_that_cannot_be_refreshed_are_unavailable_until_then(moto_url, endpoint, seconds, status):
    settings = settings_for(moto_url)
    create_tables(settings)
    dao = NewsDao(settings)
    assert dao.find(stored(1).id) is None
    endpoint.seconds, endpoint.status = seconds, status
    assert seconds_until_unavailable(dao) < 6
    if status != 200:  # the hanging refresh continues in the background and holds botocore's lock
        endpoint.seconds, endpoint.status = 0, 200
        assert dao.find(stored(1).id) is None
