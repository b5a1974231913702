"""Connections to ElastiCache with IAM tokens."""

import time

import pytest
from botocore.credentials import Credentials
from botocore.session import Session
from redis.exceptions import AuthenticationError

from shared.cache.redis_iam import IamCredentials
from shared.config import Settings
from support.cache_harness import InstrumentedDao, bypasses_within, make_app, x_cache
from support.certificates import tls
from support.fake_redis import FakeRedis
from support.fault_proxy import FaultProxy

IAM = {"redis_iam_user": "news-app", "redis_iam_cache": "news-cache"}


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
