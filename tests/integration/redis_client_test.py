"""Connections to Redis: TLS, Unix sockets, databases, passwords, IAM, timeouts, settings."""

import contextlib
import socket
import ssl
import threading
import time

import pytest
from botocore.credentials import Credentials
from botocore.session import Session
from redis.exceptions import AuthenticationError

from shared.cache.redis_client import connect
from shared.cache.redis_iam import IamCredentials
from shared.config import Settings, SettingsError
from support.cache_harness import InstrumentedDao, make_app, x_cache
from support.certificates import certificate
from support.fake_redis import FakeRedis
from support.fakes import sent
from support.fault_proxy import FaultProxy
from support.redis_servers import BINARY, REASON, Valkey
from support.slow_server import slow_server

ENV = {"STAGE": "local", "AWS_REGION": "eu-central-1", "NEWS_TABLE": "news"}
IAM = {"redis_iam_user": "news-app", "redis_iam_cache": "news-cache"}


def is_cached(redis_url, **changes):
    """Return True if an app caches responses in that Redis."""
    client = make_app(InstrumentedDao(), redis_url, **changes).test_client()
    return [x_cache(client.get("/news/"))[1] for _ in range(2)] == ["MISS", "HIT"]


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate that this process trusts through SSL_CERT_FILE, as with a private CA."""
    file = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


def tls(file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_rediss_speaks_tls(valkey, trusted):
    with FaultProxy(valkey.port, tls(trusted)) as proxy:
        assert is_cached(f"rediss://127.0.0.1:{proxy.port}/0")


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


def test_a_unix_socket_is_supported(secured_valkey):
    assert is_cached(f"unix://{secured_valkey.socket}")
    assert is_cached(f"unix://{secured_valkey.socket}?db=3")


def test_the_database_number_is_used(secured_valkey):
    assert is_cached(f"redis://127.0.0.1:{secured_valkey.port}/7")
    with secured_valkey.client(db=7) as redis:
        assert redis.dbsize() == 2


def test_a_password_in_the_url_is_percent_decoded(secured_valkey):
    assert is_cached(f"redis://app:p%40ss%2Fword@127.0.0.1:{secured_valkey.port}/0")


def test_a_wrong_password_fails_no_request(secured_valkey):
    client = make_app(InstrumentedDao(), f"redis://app:wrong@127.0.0.1:{secured_valkey.port}/0").test_client()
    assert x_cache(client.get("/news/")) == (200, "BYPASS")


@pytest.mark.parametrize(
    "url",
    [
        "redis:/127.0.0.1",
        "http://127.0.0.1:6379",
        "redis://",
        "redis://host:port",
        "redis://host:0",
        "redis://host:99999",
        "redis://host:6379/zero",
        "redis://host:6379/0/1",
        "redis://host:6379?db=1",
        "redis://host:6379?socket_timeout=60",
        "rediss://host:6379?ssl_cert_reqs=none",
        "redis://host#0",
        "unix://",
        "unix:///run/redis.sock?db=x",
        "redis://[::1",
        "host:6379",
    ],
)
def test_an_invalid_url_aborts_startup_with_a_one_line_error(url):
    with pytest.raises(SettingsError, match=r"^REDIS_URL: must be a URL such as") as error:
        Settings.from_env(ENV | {"REDIS_URL": url})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h/", "redis://h:1/15", "rediss://u:p@h:6379/0", "unix:///s?db=2"]
)
def test_a_valid_url_creates_a_client(url):
    settings = Settings.from_env(ENV | {"REDIS_URL": url})
    assert settings.redis_url == url
    connect(settings).make_connection()


def test_the_error_for_an_invalid_url_does_not_contain_the_password():
    with pytest.raises(SettingsError) as error:
        Settings.from_env(ENV | {"REDIS_URL": "redis://user:secret@host:port"})
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"REDIS_IAM_USER": "u"}, "REDIS_IAM_USER"),
        ({"REDIS_IAM_CACHE": "c"}, "REDIS_IAM_USER"),
        ({"REDIS_IAM_USER": "u", "REDIS_IAM_CACHE": "c"}, "REDIS_URL"),
        ({"REDIS_IAM_USER": "u", "REDIS_IAM_CACHE": "c", "REDIS_URL": "redis://h"}, "REDIS_URL"),
        ({"REDIS_IAM_USER": "u", "REDIS_IAM_CACHE": "c", "REDIS_URL": "rediss://:p@h"}, "REDIS_URL"),
        ({"REDIS_IAM_USER": "U", "REDIS_IAM_CACHE": "c", "REDIS_URL": "rediss://h"}, "REDIS_IAM_USER"),
        ({"REDIS_IAM_USER": "u", "REDIS_IAM_CACHE": "c c", "REDIS_URL": "rediss://h"}, "REDIS_IAM_CACHE"),
    ],
)
def test_inconsistent_iam_settings_abort_startup(variables, named):
    with pytest.raises(SettingsError, match=f"^{named}: "):
        Settings.from_env(ENV | variables)


def settings(**changes):
    plain = {"stage": "prod", "region": "eu-central-1", "tables": {"news": "news"}, "redis_url": "rediss://h"}
    return Settings(**plain | IAM | changes)


@pytest.fixture
def session():
    """A botocore session with fixed credentials."""
    session = Session()
    session._credentials = Credentials("AKID", "SECRET", "SESSION")
    return session


def test_an_iam_token_is_a_presigned_connect_request(session):
    user, token = IamCredentials(settings(), session).get_credentials()
    assert user == "news-app"
    assert token.startswith("news-cache/?Action=connect&User=news-app&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "%2Feu-central-1%2Felasticache%2Faws4_request&" in token
    assert "&X-Amz-Expires=900&" in token
    assert "X-Amz-Security-Token=SESSION" in token
    assert "ResourceType" not in token


def test_an_iam_token_for_a_serverless_cache_has_its_resource_type(session):
    serverless = settings(redis_url="rediss://news-cache-x1.serverless.euc1.cache.amazonaws.com:6379")
    _, token = IamCredentials(serverless, session).get_credentials()
    assert "&ResourceType=ServerlessCache&" in token


def test_a_token_that_cannot_be_signed_raises_authentication_error(session):
    session._credentials = None
    session.get_component("credential_provider").providers.clear()
    with pytest.raises(AuthenticationError, match="could not sign the IAM token: Unable to locate"):
        IamCredentials(settings(), session).get_credentials()


def test_every_connection_gets_a_new_iam_token(session):
    """A cached token could outlive its credentials, or expire while Lambda freezes the process."""
    provider = IamCredentials(settings(), session)
    _, first = provider.get_credentials()
    session._credentials = Credentials("OTHER", "SECRET", "SESSION")
    _, second = provider.get_credentials()
    assert "Credential=AKID%2F" in first
    assert "Credential=OTHER%2F" in second


def test_an_iam_token_is_sent_once(session):
    with FakeRedis() as redis:
        expired, tokens = set(), []

        def auth(parts):
            tokens.append(parts[2])
            return (
                b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
                if parts[2] in expired
                else None
            )

        redis.overrides = {"AUTH": auth}
        app = make_app(InstrumentedDao(), redis.url, **IAM)
        app.extensions["cache"]._redis.get_credentials = IamCredentials(settings(), session).get_credentials
        client = app.test_client()
        assert [x_cache(client.get("/news/"))[1] for _ in range(2)] == ["MISS", "HIT"]
        expired.update(tokens)
        session._credentials = Credentials("OTHER", "SECRET", "SESSION")
        redis.close_connections()
        assert x_cache(client.get("/news/"))[1] == "HIT"
        assert len(tokens) == 2


def test_slow_credentials_delay_no_request(session):
    def slow():
        time.sleep(4)

    session.get_credentials = slow
    with FakeRedis() as redis:
        app = make_app(InstrumentedDao(), redis.url, **IAM)
        app.extensions["cache"]._redis.get_credentials = IamCredentials(settings(), session).get_credentials
        assert bypasses_within(3, app.test_client())


def test_iam_authenticates_with_its_token(secured_valkey, trusted, session):
    with FaultProxy(secured_valkey.port, tls(trusted)) as proxy, secured_valkey.client() as redis:
        app = make_app(InstrumentedDao(), f"rediss://127.0.0.1:{proxy.port}/0", **IAM)
        provider = IamCredentials(settings(), session)
        app.extensions["cache"]._redis.get_credentials = provider.get_credentials
        redis.execute_command(
            "ACL", "SETUSER", "news-app", "on", f">{provider.get_credentials()[1]}", "~*", "+@all"
        )
        redis.execute_command("ACL", "SETUSER", "default", "off")
        client = app.test_client()
        assert [x_cache(client.get("/news/"))[1] for _ in range(2)] == ["MISS", "HIT"]


def test_iam_without_credentials_fails_no_request(secured_valkey, trusted, session):
    with FaultProxy(secured_valkey.port, tls(trusted)) as proxy:
        app = make_app(InstrumentedDao(), f"rediss://127.0.0.1:{proxy.port}/0", **IAM)
        session.get_component("credential_provider").providers.clear()
        session._credentials = None
        app.extensions["cache"]._redis.get_credentials = IamCredentials(settings(), session).get_credentials
        client = app.test_client()
        assert [x_cache(client.get("/news/")) for _ in range(2)] == [(200, "BYPASS")] * 2


def bypasses_within(seconds, client):
    """Return True if a request bypasses the cache within that time, which includes a margin."""
    started = time.monotonic()
    return x_cache(client.get("/news/")) == (200, "BYPASS") and time.monotonic() - started < seconds


WRONGPASS = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
REJECTED_LOGINS = {
    "SELECT in cluster mode": ("/1", {"SELECT": b"-ERR SELECT is not allowed in cluster mode\r\n"}),
    "no such database": ("/99", {"SELECT": b"-ERR DB index is out of range\r\n"}),
    "SELECT without the right": ("/1", {"SELECT": b"-NOPERM this user has no permissions\r\n"}),
    "SELECT with another reply": ("/1", {"SELECT": b":1\r\n"}),
    "wrong password": ("", {"AUTH": WRONGPASS}),
    "no password": ("", {"AUTH": b"-ERR AUTH <password> called without any password configured\r\n"}),
    "no AUTH": ("", {"AUTH": b"-ERR unknown command 'AUTH'\r\n"}),
    "AUTH with another reply": ("", {"AUTH": b"*1\r\n$1\r\nx\r\n"}),
    "AUTH with garbage": ("", {"AUTH": b"\xff\xfe\r\n"}),
}


@pytest.mark.parametrize("case", REJECTED_LOGINS)
def test_a_rejected_login_opens_the_circuit(case):
    with FakeRedis() as redis:
        path, redis.overrides = REJECTED_LOGINS[case]
        client = make_app(InstrumentedDao(), f"redis://u:p@127.0.0.1:{redis.port}{path}").test_client()
        for _ in range(2):
            assert {x_cache(client.get("/news/")) for _ in range(10)} == {(200, "BYPASS")}
            client.post("/news/", json=sent())
        assert redis.connections <= 4
        assert "MGET" not in redis.commands


class UnresponsiveListeners:
    """Listeners with a full backlog. The kernel drops packets to them, as for an unassigned address."""

    def __init__(self, count):
        self._sockets, self.ports = [], []
        for _ in range(count):
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            self.ports.append(listener.getsockname()[1])
            self._sockets.append(listener)
            for _ in range(2):
                client = socket.socket()
                client.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    client.connect(listener.getsockname())
                self._sockets.append(client)

    def close(self):
        for listener_or_client in self._sockets:
            listener_or_client.close()


@pytest.fixture
def resolve(monkeypatch):
    """A function that sets the addresses of cache.example."""
    real = socket.getaddrinfo

    def resolve(addresses):
        def getaddrinfo(host, *args, **named):
            return addresses() if host == "cache.example" else real(host, *args, **named)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_slow_name_resolution_delays_no_request(resolve, scheme):
    def slow():
        time.sleep(6)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    resolve(slow)
    assert bypasses_within(3, make_app(InstrumentedDao(), f"{scheme}://cache.example").test_client())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_nine_addresses_that_drop_packets_delay_no_request(resolve, scheme):
    """A serverless cache has IPv4 and IPv6 addresses in each Availability Zone."""
    dropping = UnresponsiveListeners(9)
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in dropping.ports]
    resolve(lambda: addresses)
    assert bypasses_within(3, make_app(InstrumentedDao(), f"{scheme}://cache.example").test_client())
    dropping.close()


def test_a_silent_tls_handshake_delays_no_request(trusted):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"rediss://127.0.0.1:{listener.getsockname()[1]}"
        assert bypasses_within(3, make_app(InstrumentedDao(), url).test_client())


@pytest.mark.parametrize("user", ["", "u:p@"])
def test_a_reply_that_arrives_byte_by_byte_delays_no_request(user):
    """To MGET, or to AUTH."""
    with slow_server(b"-ERR " + b"x" * 50 + b"\r\n", 0.1) as listener:
        url = f"redis://{user}127.0.0.1:{listener.getsockname()[1]}"
        assert bypasses_within(3, make_app(InstrumentedDao(), url).test_client())


def test_a_connection_that_comes_too_late_is_closed(resolve, valkey):
    waiting = threading.Event()

    def late():
        waiting.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", valkey.port))]

    resolve(late)
    with valkey.client() as redis:
        assert bypasses_within(3, make_app(InstrumentedDao(), "redis://cache.example").test_client())
        made = redis.info("stats")["total_connections_received"]
        waiting.set()
        while redis.info("stats")["total_connections_received"] == made:
            time.sleep(0.01)
        while len(redis.client_list()) > 1:
            time.sleep(0.01)
