"""Connections to Redis: TLS, Unix sockets, databases, passwords, IAM, timeouts, settings."""

import pytest

from shared.cache.redis_client import connect
from shared.config import Settings, SettingsError
from support.cache_harness import InstrumentedDao, is_cached, make_app, x_cache
from support.fake_redis import FakeRedis
from support.fakes import sent
from support.python_script import output_of

ENV = {"STAGE": "local", "AWS_REGION": "eu-central-1", "NEWS_TABLE": "news"}


def test_a_unix_socket_is_supported(secured_valkey):
    assert is_cached(f"unix://{secured_valkey.socket}")
    assert is_cached(f"unix://{secured_valkey.socket}?db=3")


def test_an_installed_hiredis_does_not_replace_the_parser():
    """The parser of hiredis reads with `recv_into`, and TimedSocket has the deadline in `recv`."""
    script = """if True:
        import sys, types
        sys.modules["hiredis"] = types.SimpleNamespace(__version__="3.2.0")
        import redis.connection
        from shared.cache.redis_client import connect
        from shared.config import Settings
        default = redis.connection.DefaultParser
        settings = Settings(stage="local", region="x", tables={}, redis_url="redis://127.0.0.1")
        connection = connect(settings).make_connection()
        print(default.__name__, connection._parser.__class__.__name__)
    """
    assert output_of(script).split() == ["_HiredisParser", "_RESP2Parser"]


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
