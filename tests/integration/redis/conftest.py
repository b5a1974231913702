"""Fixtures of the connections to Redis: a trusted certificate, and a Valkey with a password."""

import pytest

from support.certificates import certificate
from support.redis_servers import BINARY, REASON, Valkey


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate that this process trusts through SSL_CERT_FILE, as with a private CA."""
    file = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


@pytest.fixture
def secured_valkey(tmp_path):
    """A server with a Unix socket, and a user with a password."""
    if not BINARY:
        pytest.skip(REASON)
    socket = tmp_path / "redis.sock"
    with Valkey(tmp_path, "--unixsocket", str(socket)) as server:
        server.socket = socket
        with server.client() as redis:
            redis.execute_command("ACL", "SETUSER", "app", "on", ">p@ss/word", "~*", "+@all")
        yield server
