"""How the client comes to Redis: TLS, sockets, databases, passwords, IAM, and which settings are refused."""

import ssl

import pytest
from botocore.credentials import Credentials
from botocore.session import Session
from cache_world import Clock, WatchedDao, make_app, x_cache
from certificates import certificate
from fault_proxy import FaultProxy
from redis.exceptions import AuthenticationError
from redis_servers import BINARY, REASON, Valkey

from shared.config import Settings, SettingsError
from shared.redis_client import connect
from shared.redis_iam import IamCredentials

ENV = {"STAGE": "local", "AWS_REGION": "eu-central-1", "NEWS_TABLE": "news"}
IAM = {"redis_iam_user": "news-app", "redis_iam_cache": "news-cache"}


def misses_and_hits(redis_url, **changes):
    """Whether an app can use the cache at that address."""
    client = make_app(WatchedDao(), redis_url, **changes).test_client()
    return [x_cache(client.get("/news/"))[1] for _ in range(2)] == ["MISS", "HIT"]


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate that this process trusts; a private authority's comes to it in the same way."""
    file = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


def tls(file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_rediss_speaks_tls(valkey, trusted):
    with FaultProxy(valkey.port, tls(trusted)) as proxy:
        assert misses_and_hits(f"rediss://127.0.0.1:{proxy.port}/0")


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(valkey, tmp_path):
    with FaultProxy(valkey.port, tls(certificate(tmp_path, "127.0.0.1"))) as proxy:
        client = make_app(WatchedDao(), f"rediss://127.0.0.1:{proxy.port}").test_client()
        assert x_cache(client.get("/news/")) == (200, "BYPASS")


def test_a_certificate_for_another_address_is_not_accepted(valkey, tmp_path, monkeypatch):
    file = certificate(tmp_path, "127.0.0.9")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with FaultProxy(valkey.port, tls(file)) as proxy:
        client = make_app(WatchedDao(), f"rediss://127.0.0.1:{proxy.port}").test_client()
        assert x_cache(client.get("/news/")) == (200, "BYPASS")


@pytest.fixture
def guarded(tmp_path):
    """A server with a socket, a password, and a user of its own."""
    if not BINARY:
        pytest.skip(REASON)
    socket = tmp_path / "redis.sock"
    with Valkey(tmp_path, "--unixsocket", str(socket)) as server:
        server.socket = socket
        with server.client() as redis:
            redis.execute_command("ACL", "SETUSER", "app", "on", ">p@ss/word", "~*", "+@all")
        yield server


def test_a_unix_socket_will_do(guarded):
    assert misses_and_hits(f"unix://{guarded.socket}")
    assert misses_and_hits(f"unix://{guarded.socket}?db=3")


def test_a_database_of_its_own_is_used(guarded):
    assert misses_and_hits(f"redis://127.0.0.1:{guarded.port}/7")
    with guarded.client(db=7) as redis:
        assert redis.dbsize() == 2


def test_a_password_in_the_url_is_used_as_it_was_before_it_was_quoted(guarded):
    assert misses_and_hits(f"redis://app:p%40ss%2Fword@127.0.0.1:{guarded.port}/0")


def test_a_wrong_password_breaks_no_request(guarded):
    client = make_app(WatchedDao(), f"redis://app:wrong@127.0.0.1:{guarded.port}/0").test_client()
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
def test_a_url_that_cannot_be_parsed_stops_the_start_with_one_line(url):
    with pytest.raises(SettingsError, match=r"^REDIS_URL: .* is not a URL such as") as error:
        Settings.from_env(ENV | {"REDIS_URL": url})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h/", "redis://h:1/15", "rediss://u:p@h:6379/0", "unix:///s?db=2"]
)
def test_a_url_that_can_be_parsed_makes_a_client(url):
    settings = Settings.from_env(ENV | {"REDIS_URL": url})
    assert settings.redis_url == url
    connect(settings).connection_pool.make_connection()


def test_a_password_is_not_shown_where_its_url_is_refused():
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
def test_settings_of_iam_that_do_not_fit_stop_the_start(variables, named):
    with pytest.raises(SettingsError, match=f"^{named}: "):
        Settings.from_env(ENV | variables)


def settings(**changes):
    plain = {"stage": "prod", "region": "eu-central-1", "tables": {"news": "news"}, "redis_url": "rediss://h"}
    return Settings(**plain | IAM | changes)


@pytest.fixture
def session():
    """A botocore session whose credentials are no secret."""
    session = Session()
    session._credentials = Credentials("AKID", "SECRET", "SESSION")
    return session


def test_an_iam_token_is_a_signed_request_to_connect(session):
    user, token = IamCredentials(settings(), session).get_credentials()
    assert user == "news-app"
    assert token.startswith("news-cache/?Action=connect&User=news-app&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "%2Feu-central-1%2Felasticache%2Faws4_request&" in token
    assert "&X-Amz-Expires=900&" in token
    assert "X-Amz-Security-Token=SESSION" in token
    assert "ResourceType" not in token


def test_an_iam_token_for_a_serverless_cache_says_so(session):
    serverless = settings(redis_url="rediss://news-cache-x1.serverless.euc1.cache.amazonaws.com:6379")
    _, token = IamCredentials(serverless, session).get_credentials()
    assert "&ResourceType=ServerlessCache&" in token


def test_an_iam_token_is_used_again_until_shortly_before_its_end(session):
    clock = Clock()
    provider = IamCredentials(settings(), session, clock)
    made = []
    real = provider._signed
    provider._signed = lambda: made.append(clock.seconds) or real()
    for seconds in (0, 1, 838, 2, 838, 3):
        clock.seconds += seconds
        provider.get_credentials()
    assert len(made) == 3


def test_a_token_that_cannot_be_made_is_an_error_of_redis(session):
    session._credentials = None
    session.get_component("credential_provider").providers.clear()
    with pytest.raises(AuthenticationError, match="no IAM token: Unable to locate credentials"):
        IamCredentials(settings(), session).get_credentials()


def test_iam_logs_in_with_its_token(guarded, trusted, session):
    with FaultProxy(guarded.port, tls(trusted)) as proxy, guarded.client() as redis:
        app = make_app(WatchedDao(), f"rediss://127.0.0.1:{proxy.port}/0", **IAM)
        provider = app.extensions["cache"]._redis.connection_pool.connection_kwargs["credential_provider"]
        provider._session = session
        redis.execute_command(
            "ACL", "SETUSER", "news-app", "on", f">{provider.get_credentials()[1]}", "~*", "+@all"
        )
        redis.execute_command("ACL", "SETUSER", "default", "off")
        client = app.test_client()
        assert [x_cache(client.get("/news/"))[1] for _ in range(2)] == ["MISS", "HIT"]


def test_iam_without_credentials_breaks_no_request(guarded, trusted, session):
    with FaultProxy(guarded.port, tls(trusted)) as proxy:
        app = make_app(WatchedDao(), f"rediss://127.0.0.1:{proxy.port}/0", **IAM)
        provider = app.extensions["cache"]._redis.connection_pool.connection_kwargs["credential_provider"]
        session.get_component("credential_provider").providers.clear()
        session._credentials = None
        provider._session = session
        client = app.test_client()
        assert [x_cache(client.get("/news/")) for _ in range(2)] == [(200, "BYPASS")] * 2
