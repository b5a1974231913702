"""Connections to Redis over TLS."""

import select

from shared.cache.redis_client import connect
from shared.config import Settings
from support.cache_harness import SETTINGS, InstrumentedDao, is_cached, make_app, x_cache
from support.certificates import certificate, tls
from support.fault_proxy import FaultProxy
from support.raw_http import WAIT_SECONDS


def test_rediss_speaks_tls(valkey, trusted):
    with FaultProxy(valkey.port, tls(trusted)) as proxy:
        assert is_cached(f"rediss://127.0.0.1:{proxy.port}/0")


def test_a_tls_connection_with_unread_session_tickets_is_reusable(valkey, trusted):
    with FaultProxy(valkey.port, tls(trusted)) as proxy:
        settings = Settings(**SETTINGS, redis_url=f"rediss://127.0.0.1:{proxy.port}/0")
        connection = connect(settings).make_connection()
        connection.connect()
        assert select.select([connection.timed_socket.fileno()], [], [], WAIT_SECONDS)[0]
        assert connection.is_reusable()
        connection.send_command("PING")
        assert connection.read_response() == b"PONG"
        assert connection.is_reusable()
        connection.disconnect()


def test_an_untrusted_certificate_is_rejected(valkey, tmp_path):
    with FaultProxy(valkey.port, tls(certificate(tmp_path, "127.0.0.1"))) as proxy:
        client = make_app(InstrumentedDao(), f"rediss://127.0.0.1:{proxy.port}").test_client()
        assert x_cache(client.get("/news/")) == (200, "BYPASS")


def test_a_certificate_for_another_address_is_rejected(valkey, tmp_path, monkeypatch):
    file = certificate(tmp_path, "127.0.0.9")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with FaultProxy(valkey.port, tls(file)) as proxy:
        client = make_app(InstrumentedDao(), f"rediss://127.0.0.1:{proxy.port}").test_client()
        assert x_cache(client.get("/news/")) == (200, "BYPASS")
