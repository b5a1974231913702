"""Bearer tokens: valid ones, invalid ones, unavailable keys, and no secret in a log."""

import json
import logging

import jwt
import pytest
from msgspec.structs import replace

from shared.auth.scopes import require_scope
from support import token_issuer
from support.auth_harness import (
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    INVALID_TOKENS,
    SCOPE,
    assert_refused,
    create,
    good,
    make_app,
    unsigned,
)
from support.environment import CLEAN
from support.python_script import output_of

# --- tokens


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_valid_token_is_accepted(client, scheme):
    assert create(client, authorization=f"{scheme} {token_issuer.token()}").status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["other", "news"]},
        {"scope": None, "scp": ["news:write"]},
        {"scope": "openid news:write"},
    ],
)
def test_a_valid_token_in_another_form_is_accepted(client, changes):
    assert create(client, token=token_issuer.token(**changes)).status_code == 201


@pytest.mark.parametrize(
    ("name", "seconds", "status"),
    [("exp", -20, 201), ("exp", -40, 401), ("iat", 20, 201), ("iat", 40, 401), ("nbf", 20, 201)],
)
def test_clock_skew_of_half_a_minute_is_accepted(client, name, seconds, status):
    token = token_issuer.token(**{name: token_issuer.claims()["iat"] + seconds})
    assert create(client, token=token).status_code == status


@pytest.mark.parametrize("authorization", [None, "", "Basic ZXZlOmV2ZQ==", "Token x", "Bearerx"])
def test_a_request_without_a_token_gets_401_without_an_error_code(client, authorization):
    assert_refused(create(client, authorization=authorization), 401, f"Bearer {SCOPE}")


@pytest.mark.parametrize("token", INVALID_TOKENS.values(), ids=INVALID_TOKENS)
def test_an_invalid_token_gets_401(client, token):
    assert_refused(create(client, token=token), 401, INVALID_TOKEN)
    assert create(client, token=good).status_code == 201


def test_a_token_signed_with_a_short_key_gets_401(tmp_path):
    auth = token_issuer.auth_settings(
        tmp_path / "short.json", token_issuer.jwks(token_issuer.jwk("short", 1024))
    )
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = token_issuer.token("short", bits=1024)
    assert_refused(create(make_app(auth).test_client(), token=token), 401, INVALID_TOKEN)


@pytest.mark.parametrize(
    "scope", [None, "", " ", "news:read", "news:write:all", "news", "news:write\t", "news:read\xa0news:write"]
)
def test_a_token_without_the_scope_gets_403(client, scope):
    assert_refused(create(client, token=token_issuer.token(scope=scope)), 403, INSUFFICIENT_SCOPE)


# --- unavailable keys


def test_unavailable_keys_get_503(tmp_path):
    auth = token_issuer.auth_settings(tmp_path / "jwks.json", b"{")
    response = create(make_app(auth).test_client(), token=token_issuer.token())
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")


def test_unauthenticated_clients_cause_no_503_for_valid_tokens(auth):
    """Unknown key ids do not, nor do headers that the issuer would reject."""
    hostile = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=" + "A" * 20_000}
    hostile["X-Amzn-Trace-Id"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Self=" + "A" * 20_000

    def strict(handler):
        is_too_long = sum(map(len, handler.headers.values())) > 500
        body = b"" if is_too_long else token_issuer.jwks()
        handler.send_response(431 if is_too_long else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with token_issuer.KeyServer() as server:
        server.response = strict
        client = make_app(replace(auth, jwks=server.url)).test_client()
        for number in range(20):
            bad = token_issuer.token("two", headers={"kid": f"unknown-{number}"})
            response = client.post("/news/", headers=hostile | {"Authorization": f"Bearer {bad}"})
            assert response.status_code == 401
            assert create(client, token=token_issuer.token()).status_code in {200, 201}
        assert server.request_count == 1


@pytest.mark.parametrize(
    "token",
    [
        unsigned(kid="unknown"),
        token_issuer.token(algorithm="RS512", headers={"kid": "unknown"}),
        token_issuer.token(headers={"kid": None}),
        token_issuer.token(headers={"kid": ""}),
    ],
)
def test_a_token_that_no_key_can_verify_starts_no_fetch(auth, token):
    with token_issuer.KeyServer() as server:
        client = make_app(replace(auth, jwks=server.url)).test_client()
        assert_refused(create(client, token=token), 401, INVALID_TOKEN)
        assert server.request_count == 0


def test_the_token_is_checked_before_the_input(client):
    assert client.post("/news/?x=1", data=b"no JSON").status_code == 401
    assert client.put("/news/nothing", json={}).status_code == 401


def test_an_unknown_route_gets_404_or_405_without_a_token(client):
    assert client.post("/nix").status_code == 404
    assert client.patch("/news/").status_code == 405


@pytest.mark.parametrize("token", [good, *INVALID_TOKENS.values()], ids=["good", *INVALID_TOKENS])
def test_a_token_appears_in_no_log_and_no_response(tmp_path, caplog, token):
    caplog.set_level(logging.DEBUG)
    app = make_app(token_issuer.auth_settings(tmp_path / "jwks.json"))
    caplog.set_level(logging.DEBUG)
    response = create(app.test_client(), token=token)
    failed = create(app.test_client(), authorization=f"Basic {token}")
    app.view_functions["news.create"] = require_scope("news:write")(lambda: 1 / 0)
    create(app.test_client(), token=token)
    output = caplog.text + response.text + failed.text + str(response.headers) + str(failed.headers)
    for part in [token, *token.split(".")]:
        assert len(part) < 8 or part not in output


# --- cost of requests without a token


def test_only_a_write_with_a_token_imports_jwt_and_cryptography(auth):
    code = """
import json, os, sys
from functions.news import app, handler

def imported():
    names = {"jwt", "cryptography.hazmat", "shared.auth.tokens", "shared.auth.jwks"}
    return sorted(names & sys.modules.keys())

client = app.test_client()
reads = [client.get("/health").status_code, client.get("/news/?x=1").status_code]
write = client.post("/news/", json={}).status_code
context = {"http": {"method": "POST"}, "authorizer": {"jwt": {"claims": {"scope": "news:write"}}}}
with_claims = handler({"rawPath": "/news/", "requestContext": context}, None)["statusCode"]
before = imported()
token = client.post("/news/", json={}, headers={"Authorization": "Bearer a.b.c"}).status_code
print(json.dumps([reads, write, with_claims, before, token, imported()]))
"""
    env = {"STAGE": "dev", "AWS_REGION": "us-east-1", "NEWS_TABLE": "news", "PATH": CLEAN["PATH"]}
    env |= {"AUTH_ISSUER": auth.issuer, "AUTH_AUDIENCE": auth.audience, "AUTH_JWKS": auth.jwks}
    # redis-py imports the package `cryptography` itself, which is cheap; its modules are not
    all_modules = ["cryptography.hazmat", "jwt", "shared.auth.jwks", "shared.auth.tokens"]
    assert json.loads(output_of(code, env)) == [[200, 400], 401, 415, [], 401, all_modules]
