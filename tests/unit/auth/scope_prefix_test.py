"""Scopes with a prefix, and tokens of Amazon Cognito, which name a client instead of an audience."""

import pytest
from msgspec.structs import replace

from support import token_issuer
from support.auth_harness import INVALID_TOKEN, POST, assert_refused, create, invoke, make_app
from support.event_builders import http_api_2

# --- issuers that add a prefix to each scope


PREFIX = {"auth_scope_prefix": "news-api/"}
PREFIXED_SCOPE = 'scope="news-api/news:write"'


@pytest.mark.parametrize(
    "claims", [{"scope": "openid news-api/news:write"}, {"scp": ["news-api/news:write"]}]
)
def test_a_scope_with_the_prefix_is_accepted(auth, claims):
    client = make_app(auth, **PREFIX).test_client()
    assert create(client, token=token_issuer.token(**{"scope": None} | claims)).status_code == 201
    event = http_api_2(POST, authorizer={"jwt": {"claims": claims | {"sub": "eve"}}})
    assert invoke(make_app(**PREFIX), event).status == 201


@pytest.mark.parametrize(
    "scope",
    ["news:write", "news-api/", "other/news:write", "news-api/news-api/news:write", "news-api/ news:write"],
)
def test_a_scope_without_the_prefix_gets_403_with_the_full_scope(auth, scope):
    lacking = f'Bearer error="insufficient_scope", {PREFIXED_SCOPE}'
    client = make_app(auth, **PREFIX).test_client()
    assert_refused(create(client, token=token_issuer.token(scope=scope)), 403, lacking)
    event = http_api_2(POST, authorizer={"jwt": {"claims": {"scope": scope}}})
    response = invoke(make_app(**PREFIX), event)
    assert (response.status, response.headers["www-authenticate"]) == (403, lacking)


def test_every_challenge_names_the_scope_with_the_prefix(auth):
    client = make_app(auth, **PREFIX).test_client()
    assert_refused(create(client), 401, f"Bearer {PREFIXED_SCOPE}")
    assert_refused(create(client, token="x"), 401, f'Bearer error="invalid_token", {PREFIXED_SCOPE}')
    no_verifier = make_app(**PREFIX).test_client()
    assert_refused(create(no_verifier), 403, f'Bearer error="insufficient_scope", {PREFIXED_SCOPE}')


# --- issuers whose access tokens have no `aud`


@pytest.fixture
def cognito(auth):
    return make_app(replace(auth, audience="client-1", audience_claim="client_id")).test_client()


COGNITO = {"aud": None, "client_id": "client-1", "token_use": "access"}


def test_an_access_token_with_the_client_id_is_accepted(cognito):
    assert create(cognito, token=token_issuer.token(**COGNITO)).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "client-2"},
        {"client_id": None},
        {"client_id": ["client-1"]},
        {"client_id": "client-1 "},
        {"token_use": "id"},
        {"token_use": None},
        {"token_use": ["access"]},
        {"aud": "client-1"},
        {"aud": "client-1", "client_id": None, "token_use": "id"},
        {"aud": ["https://other.example.com"]},
        {"iss": "https://evil.example.com/"},
        {"exp": 5},
        {"sub": None},
    ],
)
def test_a_token_without_the_client_id_or_access_use_gets_401(cognito, changes):
    assert_refused(create(cognito, token=token_issuer.token(**COGNITO | changes)), 401, INVALID_TOKEN)


def test_a_client_id_is_ignored_if_the_audience_claim_is_aud(client):
    assert_refused(
        create(client, token=token_issuer.token(**COGNITO | {"client_id": "news"})), 401, INVALID_TOKEN
    )
