"""Authentication and scopes: declared below each route, checked at startup, enforced by claims or a token."""

import hmac
import json
import logging
import subprocess
import sys
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Blueprint
from jwt.utils import base64url_encode
from werkzeug.routing import Rule

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.auth.scopes import UndeclaredScope, require_scope
from shared.config import Settings
from shared.constants import CLAIMS
from shared.lambda_adapter.handler import make_handler
from support import token_issuer
from support.environment import CLEAN, ROOT
from support.event_builders import Request, function_url, http_api_1, http_api_2, parse_response, rest_api
from support.fakes import FakeDao, clock, sent

SCOPE = 'scope="news:write"'
INVALID_TOKEN = f'Bearer error="invalid_token", {SCOPE}'
INSUFFICIENT_SCOPE = f'Bearer error="insufficient_scope", {SCOPE}'


def make_app(auth=None, dao=None, **changes):
    app = create_app(Settings(stage="dev", region="us-east-1", tables={"news": "news"}, auth=auth, **changes))
    setup_route(app, NewsService(dao or FakeDao(), now=clock()))
    return app


@pytest.fixture
def auth(tmp_path):
    return token_issuer.auth_settings(tmp_path / "jwks.json")


@pytest.fixture
def client(auth):
    return make_app(auth).test_client()


def create(client, *, token=None, authorization=None):
    value = authorization if token is None else f"Bearer {token}"
    return client.post("/news/", json=sent(), headers={} if value is None else {"Authorization": value})


def assert_refused(response, status, challenge):
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == challenge


# --- scopes are declared, and checked at startup


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
def test_an_unsafe_route_without_a_scope_aborts_startup(method):
    routes = Blueprint("shop", __name__, url_prefix="/shop")
    routes.add_url_rule("/<item>", "change", lambda item: "", methods=["GET", method])
    with pytest.raises(
        UndeclaredScope, match=rf"^{method} /shop/<item> \(shop.change\) declares no scope: .*require_scope"
    ):
        make_app().register_blueprint(routes)


def test_an_unsafe_route_of_the_app_itself_without_a_scope_aborts_startup():
    with pytest.raises(UndeclaredScope):
        make_app().post("/buy")(lambda: "")
    with pytest.raises(UndeclaredScope):
        make_app().add_url_rule("/buy", "nothing", methods=["POST"])


def test_a_safe_route_needs_no_scope(client):
    assert client.get("/news/").status_code == 200
    assert client.head("/news/").status_code == 200
    assert client.options("/news/").status_code == 200


def test_a_safe_route_with_a_scope_enforces_it(auth):
    app = make_app(auth)
    app.get("/secret")(require_scope("secret:read")(lambda: "the secret"))
    client = app.test_client()
    assert client.options("/secret").status_code == 200
    for method in ("GET", "HEAD"):
        response = client.open("/secret", method=method)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (
            401,
            'Bearer scope="secret:read"',
        )
    token = token_issuer.token(scope="secret:read")
    assert client.get("/secret", headers={"Authorization": f"Bearer {token}"}).text == "the secret"


@pytest.mark.parametrize(
    "options",
    [
        {"methods": ["POST", "OPTIONS"]},
        {"methods": ["post", "options"]},
        {"methods": ["OPTIONS"]},
        {"methods": ["GET", "HEAD", "OPTIONS"]},
        {"methods": ["POST", "OPTIONS"], "provide_automatic_options": False},
    ],
)
def test_a_view_that_handles_options_needs_its_scope(auth, options):
    app = make_app(auth)
    app.add_url_rule("/o", "o", require_scope("x:write")(lambda: "the view ran"), **options)
    client = app.test_client()
    refused = client.options("/o")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer scope="x:write"')
    bearer = {"Authorization": f"Bearer {token_issuer.token(scope='x:write')}"}
    assert client.options("/o", headers=bearer).text == "the view ran"


@pytest.mark.parametrize(
    "options",
    [
        {"methods": ["post", "PUT"]},
        {"methods": ["POST", "PUT", "OPTIONS"], "provide_automatic_options": True},
    ],
)
def test_automatic_options_need_no_token_and_run_no_view(auth, options):
    app = make_app(auth)
    view = require_scope("x:write")(lambda: "the view ran")
    app.add_url_rule("/o", "o", view, **options)
    response = app.test_client().options("/o")
    assert (response.status_code, response.data) == (200, b"")
    assert set(response.allow) == {"OPTIONS", "POST", "PUT"}


def test_options_without_a_view_or_automatic_options_get_405(auth):
    app = make_app(auth)
    view = require_scope("x:write")(lambda: "the view ran")
    app.add_url_rule("/o", "o", view, methods=["POST"], provide_automatic_options=False)
    assert app.test_client().options("/o").status_code == 405


def test_a_rule_that_bypasses_the_startup_check_gets_403(auth):
    app = make_app(auth)
    app.url_map.add(Rule("/o", endpoint="o"))  # every method
    app.view_functions["o"] = lambda: "open"
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    for method in ("POST", "DELETE", "PATCH", "PURGE"):
        assert app.test_client().open("/o", method=method, headers=bearer).status_code == 403


def test_a_view_replaced_after_startup_gets_403(auth):
    app = make_app(auth)
    app.view_functions["news.create"] = lambda: "open"
    assert create(app.test_client(), token=token_issuer.token()).status_code == 403
    assert create(app.test_client()).status_code == 403


def test_every_unsafe_news_route_needs_the_scope(auth):
    dao = FakeDao()
    client = make_app(auth, dao).test_client()
    item = create(client, token=token_issuer.token()).json
    target = f"/news/{item['id']}"
    for method, path in (("POST", "/news/"), ("POST", "/news"), ("PUT", target), ("DELETE", target)):
        assert_refused(client.open(path, method=method, json=sent()), 401, f"Bearer {SCOPE}")
    assert len(dao.items) == 1
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    assert client.put(target, json=sent(), headers=bearer | {"If-Match": "*"}).status_code == 200
    assert client.delete(target, headers=bearer).status_code == 204


# --- no token verification


@pytest.mark.parametrize("authorization", [None, "Bearer x", f"Bearer {token_issuer.token()}"])
def test_without_token_verification_writes_get_403(authorization):
    response = create(make_app().test_client(), authorization=authorization)
    assert_refused(response, 403, INSUFFICIENT_SCOPE)


# --- claims of an API Gateway authorizer


def invoke(app, event):
    return parse_response(make_handler(app)(event, None))


POST = Request(
    "POST", "/news/", headers=(("Content-Type", "application/json"),), body=json.dumps(sent()).encode()
)


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "news:write"},
        {"scope": "news:read news:write"},
        {"scope": " news:read  news:write "},
        {"scope": "[news:read news:write]"},
        {"scp": "news:write"},
        {"scp": "[news:read news:write]"},
        {"scp": ["news:read", "news:write"]},
    ],
)
@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api])
def test_authorizer_claims_with_the_scope_are_accepted(encode, claims):
    authorizer = {"claims": claims | {"sub": "eve"}}
    event = encode(POST, authorizer={"jwt": authorizer} if encode is http_api_2 else authorizer)
    assert invoke(make_app(), event).status == 201


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"scope": ""},
        {"scope": "news:writer"},
        {"scope": "xnews:write"},
        {"scope": "NEWS:WRITE"},
        {"scope": "news:read", "scp": "news:write"},
        {"scope": "[news:write"},
        {"scope": "news:write]"},
        {"scope": "[[news:write]]"},
        *[
            {"scope": f"news:read{separator}news:write"}
            for separator in "\t\n\r\v\f\x1c\x85\xa0\u2003\u3000,;+"
        ],
        {"scope": "\tnews:write"},
        {"scope": "[news:read\tnews:write]"},
        {"scp": ["news:read news:write"]},
        {"scp": [["news:write"]]},
        {"scope": {"news:write": True}},
        {"permissions": "news:write"},
    ],
)
def test_authorizer_claims_without_the_scope_get_403_even_with_a_valid_token(auth, claims):
    request = POST.__class__(
        "POST",
        "/news/",
        headers=(*POST.headers, ("Authorization", f"Bearer {token_issuer.token()}")),
        body=POST.body,
    )
    event = http_api_2(request, authorizer={"jwt": {"claims": claims | {"sub": "eve"}, "scopes": None}})
    response = invoke(make_app(auth), event)
    assert (response.status, response.headers["www-authenticate"]) == (403, INSUFFICIENT_SCOPE)


def test_empty_authorizer_claims_get_403_even_with_a_valid_token(auth):
    client = make_app(auth).test_client()
    client.environ_base[CLAIMS] = {}
    assert create(client, token=token_issuer.token()).status_code == 403


def test_scopes_of_the_authorizer_are_accepted_if_the_claims_have_none():
    event = http_api_2(POST, authorizer={"jwt": {"claims": {"sub": "eve"}, "scopes": ["news:write"]}})
    assert invoke(make_app(), event).status == 201


def test_an_iam_signature_grants_no_scope():
    arn = "arn:aws:iam::123456789012:user/eve"
    assert invoke(make_app(), function_url(POST, authorizer={"iam": {"userArn": arn}})).status == 403


def test_headers_cannot_forge_claims(encode):
    claims = json.dumps({"scope": "news:write"})
    names = (
        "app.claims",
        "App-Claims",
        "X-Amzn-Oidc-Data",
        "X-Apigateway-Authorizer",
        "Serverless-Authorizer",
    )
    request = POST.__class__(
        "POST", "/news/", headers=(*POST.headers, *((name, claims) for name in names)), body=POST.body
    )
    assert invoke(make_app(), encode(request)).status == 403


def test_a_token_is_verified_in_the_app_without_an_authorizer(auth, encode):
    def send(token):
        headers = (*POST.headers, ("Authorization", f"Bearer {token}"))
        return invoke(
            make_app(auth), encode(POST.__class__("POST", "/news/", headers=headers, body=POST.body))
        )

    assert send(token_issuer.token()).status == 201
    refused = send(token_issuer.token(iss="https://evil.example.com/"))
    assert (refused.status, refused.headers["www-authenticate"]) == (401, INVALID_TOKEN)


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


def unsigned(**header):
    return jwt.encode(token_issuer.claims(), None, algorithm="none", headers={"kid": "one"} | header)


def signed_with_public_key():
    """Return a token with the classic algorithm confusion: HMAC with the public key as its secret."""
    pem = token_issuer.key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = base64url_encode(b'{"alg": "HS256", "kid": "one"}')
    signed = header + b"." + base64url_encode(json.dumps(token_issuer.claims()).encode())
    return (signed + b"." + base64url_encode(hmac.digest(pem, signed, "sha256"))).decode()


def with_header(header):
    return f"{base64url_encode(header).decode()}.e30.e30"


good = token_issuer.token()
INVALID_TOKENS = {
    "expired": token_issuer.token(exp=token_issuer.claims()["iat"] - 40),
    "not yet issued": token_issuer.token(iat=token_issuer.claims()["iat"] + 3600),
    "not yet valid": token_issuer.token(nbf=token_issuer.claims()["iat"] + 3600),
    "from another issuer": token_issuer.token(iss="https://evil.example.com/"),
    "for another audience": token_issuer.token(aud="other"),
    **{f"without {name}": token_issuer.token(**{name: None}) for name in ("exp", "iat", "iss", "aud", "sub")},
    "with a subject that is not a string": token_issuer.token(sub=5),
    "with an expiry that is not a number": token_issuer.token(exp="soon"),
    "of an unknown key": token_issuer.token("two"),
    "of an unknown key under a known name": token_issuer.token("two", headers={"kid": "one"}),
    "without a key id": token_issuer.token(headers={"kid": None}),
    "of another algorithm": token_issuer.token(algorithm="RS512"),
    "of PSS": token_issuer.token(algorithm="PS256"),
    "unsigned": unsigned(),
    "signed with the public key as a secret": signed_with_public_key(),
    "with a critical header": token_issuer.token(headers={"crit": ["exp"]}),
    "with another signature": good[:-8] + "AAAAAAAA",
    "with other claims": ".".join(
        [good.split(".")[0], token_issuer.token(sub="mallory").split(".")[1], good.split(".")[2]]
    ),
    "cut short": good.rpartition(".")[0],
    "with a part too many": good + ".x",
    "two of them": f"{good},{good}",
    "empty": "",
    "one word": "x",
    "not ASCII": "\xe4.\xe4.\xe4",
    "header nested deeply": with_header(b"[" * 5000),
    "header that is not an object": with_header(b"[]"),
    "header that is not JSON": with_header(b"\xff"),
    "key id that is not a string": with_header(b'{"alg": "RS256", "kid": {"a": 1}}'),
    "algorithm that is not a string": with_header(b'{"alg": ["RS256"], "kid": "one"}'),
    "with too long a number": with_header(b'{"alg": "RS256", "kid": "one", "x": ' + b"9" * 5000 + b"}"),
}


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
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    # redis-py imports the package `cryptography` itself, which is cheap; its modules are not
    all_modules = ["cryptography.hazmat", "jwt", "shared.auth.jwks", "shared.auth.tokens"]
    assert json.loads(done.stdout) == [[200, 400], 401, 415, [], 401, all_modules]
