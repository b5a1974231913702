"""Who may write: declared beside the route, checked at build, and decided by claims or by a token."""

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
from support.event_builders import ENCODERS, Sent, function_url, got_from, http_api_1, http_api_2, rest_api
from support.fakes import FakeDao, clock, sent

NEEDED = 'scope="news:write"'
REFUSED = f'Bearer error="invalid_token", {NEEDED}'
LACKING = f'Bearer error="insufficient_scope", {NEEDED}'


def make_app(auth=None, dao=None, **changes):
    app = create_app(Settings(stage="dev", region="us-east-1", tables={"news": "news"}, auth=auth, **changes))
    setup_route(app, NewsService(dao or FakeDao(), now=clock()))
    return app


@pytest.fixture
def auth(tmp_path):
    return token_issuer.settings_of(tmp_path / "jwks.json")


@pytest.fixture
def client(auth):
    return make_app(auth).test_client()


def create(client, *, token=None, authorization=None):
    value = authorization if token is None else f"Bearer {token}"
    return client.post("/news/", json=sent(), headers={} if value is None else {"Authorization": value})


def assert_refused(answer, status, challenge):
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == challenge


# --- declared, and checked at build


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
def test_a_route_that_changes_something_and_names_no_scope_is_refused_at_build(method):
    routes = Blueprint("shop", __name__, url_prefix="/shop")
    routes.add_url_rule("/<item>", "change", lambda item: "", methods=["GET", method])
    with pytest.raises(
        UndeclaredScope, match=rf"^{method} /shop/<item> \(shop.change\) names no scope: .*require_scope"
    ):
        make_app().register_blueprint(routes)


def test_a_route_of_the_app_itself_is_refused_at_build_too():
    with pytest.raises(UndeclaredScope):
        make_app().post("/buy")(lambda: "")
    with pytest.raises(UndeclaredScope):
        make_app().add_url_rule("/buy", "nothing", methods=["POST"])


def test_a_route_that_only_reads_needs_no_scope(client):
    assert client.get("/news/").status_code == 200
    assert client.head("/news/").status_code == 200
    assert client.options("/news/").status_code == 200


def test_a_route_that_reads_may_need_a_scope(auth):
    app = make_app(auth)
    app.get("/secret")(require_scope("secret:read")(lambda: "the secret"))
    client = app.test_client()
    assert client.options("/secret").status_code == 200
    for method in ("GET", "HEAD"):
        answer = client.open("/secret", method=method)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer scope="secret:read"')
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
def test_a_view_that_responds_to_options_itself_needs_its_scope(auth, options):
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
def test_options_that_flask_responds_to_needs_no_token_and_runs_no_view(auth, options):
    app = make_app(auth)
    view = require_scope("x:write")(lambda: "the view ran")
    app.add_url_rule("/o", "o", view, **options)
    response = app.test_client().options("/o")
    assert (response.status_code, response.data) == (200, b"")
    assert set(response.allow) == {"OPTIONS", "POST", "PUT"}


def test_without_automatic_options_there_is_no_route_for_it(auth):
    app = make_app(auth)
    view = require_scope("x:write")(lambda: "the view ran")
    app.add_url_rule("/o", "o", view, methods=["POST"], provide_automatic_options=False)
    assert app.test_client().options("/o").status_code == 405


def test_a_rule_that_bypasses_the_check_at_build_is_closed(auth):
    app = make_app(auth)
    app.url_map.add(Rule("/o", endpoint="o"))  # every method
    app.view_functions["o"] = lambda: "open"
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    for method in ("POST", "DELETE", "PATCH", "PURGE"):
        assert app.test_client().open("/o", method=method, headers=bearer).status_code == 403


def test_a_view_that_is_exchanged_after_the_build_is_closed(auth):
    app = make_app(auth)
    app.view_functions["news.create"] = lambda: "open"
    assert create(app.test_client(), token=token_issuer.token()).status_code == 403
    assert create(app.test_client()).status_code == 403


def test_every_route_of_news_that_changes_something_needs_the_scope(auth):
    dao = FakeDao()
    client = make_app(auth, dao).test_client()
    item = create(client, token=token_issuer.token()).json
    target = f"/news/{item['id']}"
    for method, place in (("POST", "/news/"), ("POST", "/news"), ("PUT", target), ("DELETE", target)):
        assert_refused(client.open(place, method=method, json=sent()), 401, f"Bearer {NEEDED}")
    assert len(dao.items) == 1
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    assert client.put(target, json=sent(), headers=bearer | {"If-Match": "*"}).status_code == 200
    assert client.delete(target, headers=bearer).status_code == 204


# --- no verifier


@pytest.mark.parametrize("authorization", [None, "Bearer x", f"Bearer {token_issuer.token()}"])
def test_without_a_verifier_nobody_may_write(authorization):
    answer = create(make_app().test_client(), authorization=authorization)
    assert_refused(answer, 403, LACKING)


# --- claims of API Gateway


def ask(app, event):
    return got_from(make_handler(app)(event, None))


POST = Sent(
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
def test_claims_of_the_gateways_authorizer_that_grant_the_scope_let_in(encode, claims):
    authorizer = {"claims": claims | {"sub": "eve"}}
    event = encode(POST, authorizer={"jwt": authorizer} if encode is http_api_2 else authorizer)
    assert ask(make_app(), event).status == 201


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
        *[{"scope": f"news:read{other}news:write"} for other in "\t\n\r\v\f\x1c\x85\xa0\u2003\u3000,;+"],
        {"scope": "\tnews:write"},
        {"scope": "[news:read\tnews:write]"},
        {"scp": ["news:read news:write"]},
        {"scp": [["news:write"]]},
        {"scope": {"news:write": True}},
        {"permissions": "news:write"},
    ],
)
def test_claims_that_do_not_grant_the_scope_get_403_whatever_token_is_sent_too(auth, claims):
    request = POST.__class__(
        "POST",
        "/news/",
        headers=(*POST.headers, ("Authorization", f"Bearer {token_issuer.token()}")),
        body=POST.body,
    )
    event = http_api_2(request, authorizer={"jwt": {"claims": claims | {"sub": "eve"}, "scopes": None}})
    answer = ask(make_app(auth), event)
    assert (answer.status, answer.headers["www-authenticate"]) == (403, LACKING)


def test_claims_that_say_nothing_are_claims(auth):
    client = make_app(auth).test_client()
    client.environ_base[CLAIMS] = {}
    assert create(client, token=token_issuer.token()).status_code == 403


def test_scopes_that_the_gateway_has_checked_let_in_where_the_claims_name_none():
    event = http_api_2(POST, authorizer={"jwt": {"claims": {"sub": "eve"}, "scopes": ["news:write"]}})
    assert ask(make_app(), event).status == 201


def test_a_signature_of_iam_is_no_scope():
    arn = "arn:aws:iam::123456789012:user/eve"
    assert ask(make_app(), function_url(POST, authorizer={"iam": {"userArn": arn}})).status == 403


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_no_header_passes_for_claims(encode):
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
    assert ask(make_app(), encode(request)).status == 403


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_a_token_is_verified_in_the_app_where_no_gateway_has_done_it(auth, encode):
    def answer(token):
        headers = (*POST.headers, ("Authorization", f"Bearer {token}"))
        return ask(make_app(auth), encode(POST.__class__("POST", "/news/", headers=headers, body=POST.body)))

    assert answer(token_issuer.token()).status == 201
    refused = answer(token_issuer.token(iss="https://evil.example.com/"))
    assert (refused.status, refused.headers["www-authenticate"]) == (401, REFUSED)


# --- tokens


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_lets_in(client, scheme):
    assert create(client, authorization=f"{scheme} {token_issuer.token()}").status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["other", "news"]},
        {"scope": None, "scp": ["news:write"]},
        {"scope": "openid news:write"},
    ],
)
def test_a_token_of_another_form_lets_in(client, changes):
    assert create(client, token=token_issuer.token(**changes)).status_code == 201


@pytest.mark.parametrize(
    ("name", "seconds", "status"),
    [("exp", -20, 201), ("exp", -40, 401), ("iat", 20, 201), ("iat", 40, 401), ("nbf", 20, 201)],
)
def test_clocks_may_differ_by_half_a_minute(client, name, seconds, status):
    token = token_issuer.token(**{name: token_issuer.claims()["iat"] + seconds})
    assert create(client, token=token).status_code == status


@pytest.mark.parametrize("authorization", [None, "", "Basic ZXZlOmV2ZQ==", "Token x", "Bearerx"])
def test_a_request_without_a_token_gets_401_without_an_error_code(client, authorization):
    assert_refused(create(client, authorization=authorization), 401, f"Bearer {NEEDED}")


def unsigned(**header):
    return jwt.encode(token_issuer.claims(), None, algorithm="none", headers={"kid": "one"} | header)


def with_secret():
    """The classic confusion: HMAC, with the public key as its secret."""
    pem = token_issuer.key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = base64url_encode(b'{"alg": "HS256", "kid": "one"}')
    signed = header + b"." + base64url_encode(json.dumps(token_issuer.claims()).encode())
    return (signed + b"." + base64url_encode(hmac.digest(pem, signed, "sha256"))).decode()


def raw(header):
    return f"{base64url_encode(header).decode()}.e30.e30"


good = token_issuer.token()
BAD = {
    "expired": token_issuer.token(exp=token_issuer.claims()["iat"] - 40),
    "not yet issued": token_issuer.token(iat=token_issuer.claims()["iat"] + 3600),
    "not yet valid": token_issuer.token(nbf=token_issuer.claims()["iat"] + 3600),
    "of another issuer": token_issuer.token(iss="https://evil.example.com/"),
    "for others": token_issuer.token(aud="other"),
    **{f"without {name}": token_issuer.token(**{name: None}) for name in ("exp", "iat", "iss", "aud", "sub")},
    "with a subject that is no text": token_issuer.token(sub=5),
    "with an expiry that is no number": token_issuer.token(exp="soon"),
    "of an unknown key": token_issuer.token("two"),
    "of an unknown key under a known name": token_issuer.token("two", headers={"kid": "one"}),
    "without a key id": token_issuer.token(headers={"kid": None}),
    "of another algorithm": token_issuer.token(algorithm="RS512"),
    "of PSS": token_issuer.token(algorithm="PS256"),
    "unsigned": unsigned(),
    "signed with the public key as a secret": with_secret(),
    "with a critical header": token_issuer.token(headers={"crit": ["exp"]}),
    "with another signature": good[:-8] + "AAAAAAAA",
    "with other claims": ".".join(
        [good.split(".")[0], token_issuer.token(sub="mallory").split(".")[1], good.split(".")[2]]
    ),
    "cut short": good.rpartition(".")[0],
    "with a part too many": good + ".x",
    "two of them": f"{good},{good}",
    "empty": "",
    "a word": "x",
    "not ASCII": "\xe4.\xe4.\xe4",
    "header nested deeply": raw(b"[" * 5000),
    "header that is no object": raw(b"[]"),
    "header that is no JSON": raw(b"\xff"),
    "key id that is no text": raw(b'{"alg": "RS256", "kid": {"a": 1}}'),
    "algorithm that is no text": raw(b'{"alg": ["RS256"], "kid": "one"}'),
    "a number too long": raw(b'{"alg": "RS256", "kid": "one", "x": ' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_bad_token_gets_401(client, token):
    assert_refused(create(client, token=token), 401, REFUSED)
    assert create(client, token=good).status_code == 201


def test_a_short_key_is_refused(tmp_path):
    auth = token_issuer.settings_of(
        tmp_path / "short.json", token_issuer.jwks(token_issuer.jwk("short", 1024))
    )
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = token_issuer.token("short", bits=1024)
    assert_refused(create(make_app(auth).test_client(), token=token), 401, REFUSED)


@pytest.mark.parametrize(
    "scope", [None, "", " ", "news:read", "news:write:all", "news", "news:write\t", "news:read\xa0news:write"]
)
def test_a_token_without_the_scope_gets_403(client, scope):
    assert_refused(create(client, token=token_issuer.token(scope=scope)), 403, LACKING)


# --- issuers that put a prefix before a scope


PREFIX = {"auth_scope_prefix": "news-api/"}
FULL = 'scope="news-api/news:write"'


@pytest.mark.parametrize(
    "claims", [{"scope": "openid news-api/news:write"}, {"scp": ["news-api/news:write"]}]
)
def test_a_scope_with_the_prefix_lets_in(auth, claims):
    client = make_app(auth, **PREFIX).test_client()
    assert create(client, token=token_issuer.token(**{"scope": None} | claims)).status_code == 201
    event = http_api_2(POST, authorizer={"jwt": {"claims": claims | {"sub": "eve"}}})
    assert ask(make_app(**PREFIX), event).status == 201


@pytest.mark.parametrize(
    "scope",
    ["news:write", "news-api/", "other/news:write", "news-api/news-api/news:write", "news-api/ news:write"],
)
def test_a_scope_without_the_prefix_gets_403_that_names_the_whole_scope(auth, scope):
    lacking = f'Bearer error="insufficient_scope", {FULL}'
    client = make_app(auth, **PREFIX).test_client()
    assert_refused(create(client, token=token_issuer.token(scope=scope)), 403, lacking)
    event = http_api_2(POST, authorizer={"jwt": {"claims": {"scope": scope}}})
    response = ask(make_app(**PREFIX), event)
    assert (response.status, response.headers["www-authenticate"]) == (403, lacking)


def test_every_refusal_names_the_scope_with_the_prefix(auth):
    client = make_app(auth, **PREFIX).test_client()
    assert_refused(create(client), 401, f"Bearer {FULL}")
    assert_refused(create(client, token="x"), 401, f'Bearer error="invalid_token", {FULL}')
    no_verifier = make_app(**PREFIX).test_client()
    assert_refused(create(no_verifier), 403, f'Bearer error="insufficient_scope", {FULL}')


# --- issuers whose access tokens have no audience


@pytest.fixture
def cognito(auth):
    return make_app(replace(auth, audience="client-1", audience_claim="client_id")).test_client()


COGNITO = {"aud": None, "client_id": "client-1", "token_use": "access"}


def test_an_access_token_for_the_client_lets_in(cognito):
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
def test_a_token_that_is_no_access_token_for_the_client_gets_401(cognito, changes):
    assert_refused(create(cognito, token=token_issuer.token(**COGNITO | changes)), 401, REFUSED)


def test_a_client_id_is_no_audience_unless_the_settings_say_so(client):
    assert_refused(create(client, token=token_issuer.token(**COGNITO | {"client_id": "news"})), 401, REFUSED)


# --- keys that are not at hand


def test_keys_that_can_not_be_had_get_503(tmp_path):
    auth = token_issuer.settings_of(tmp_path / "jwks.json", b"{")
    answer = create(make_app(auth).test_client(), token=token_issuer.token())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_anonymous_callers_cause_no_503_for_valid_tokens(auth):
    """Neither with unknown key ids, nor with headers that the issuer would refuse."""
    hostile = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=" + "A" * 20_000}
    hostile["X-Amzn-Trace-Id"] = "Root=1-5759e988-bd862e3fe1be46a994272793;Self=" + "A" * 20_000

    def strict(handler):
        is_long = sum(map(len, handler.headers.values())) > 500
        body = b"" if is_long else token_issuer.jwks()
        handler.send_response(431 if is_long else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with token_issuer.KeyServer() as server:
        server.answer = strict
        client = make_app(replace(auth, jwks=server.url)).test_client()
        for number in range(20):
            bad = token_issuer.token("two", headers={"kid": f"unknown-{number}"})
            response = client.post("/news/", headers=hostile | {"Authorization": f"Bearer {bad}"})
            assert response.status_code == 401
            assert create(client, token=token_issuer.token()).status_code in {200, 201}
        assert server.asked == 1


@pytest.mark.parametrize(
    "token",
    [
        unsigned(kid="unknown"),
        token_issuer.token(algorithm="RS512", headers={"kid": "unknown"}),
        token_issuer.token(headers={"kid": None}),
        token_issuer.token(headers={"kid": ""}),
    ],
)
def test_a_token_that_no_key_can_verify_causes_no_fetch(auth, token):
    with token_issuer.KeyServer() as server:
        client = make_app(replace(auth, jwks=server.url)).test_client()
        assert_refused(create(client, token=token), 401, REFUSED)
        assert server.asked == 0


def test_who_asks_is_checked_before_what_is_asked(client):
    assert client.post("/news/?x=1", data=b"no JSON").status_code == 401
    assert client.put("/news/nothing", json={}).status_code == 401


def test_where_there_is_no_such_route_nobody_is_asked_for_a_token(client):
    assert client.post("/nix").status_code == 404
    assert client.patch("/news/").status_code == 405


@pytest.mark.parametrize("token", [good, *BAD.values()], ids=["good", *BAD])
def test_a_token_reaches_no_log_and_no_answer(tmp_path, caplog, token):
    caplog.set_level(logging.DEBUG)
    app = make_app(token_issuer.settings_of(tmp_path / "jwks.json"))
    caplog.set_level(logging.DEBUG)
    answer = create(app.test_client(), token=token)
    failed = create(app.test_client(), authorization=f"Basic {token}")
    app.view_functions["news.create"] = require_scope("news:write")(lambda: 1 / 0)
    create(app.test_client(), token=token)
    said = caplog.text + answer.text + failed.text + str(answer.headers) + str(failed.headers)
    for part in [token, *token.split(".")]:
        assert len(part) < 8 or part not in said


# --- what it costs who doesn't write


def test_jwt_and_cryptography_are_imported_by_a_write_with_a_token_only(auth):
    code = """
import json, os, sys
from functions.news import app, handler

def loaded():
    names = {"jwt", "cryptography.hazmat", "shared.auth.tokens", "shared.auth.jwks"}
    return sorted(names & sys.modules.keys())

client = app.test_client()
reads = [client.get("/health").status_code, client.get("/news/?x=1").status_code]
write = client.post("/news/", json={}).status_code
context = {"http": {"method": "POST"}, "authorizer": {"jwt": {"claims": {"scope": "news:write"}}}}
guarded = handler({"rawPath": "/news/", "requestContext": context}, None)["statusCode"]
before = loaded()
token = client.post("/news/", json={}, headers={"Authorization": "Bearer a.b.c"}).status_code
print(json.dumps([reads, write, guarded, before, token, loaded()]))
"""
    env = {"STAGE": "dev", "AWS_REGION": "us-east-1", "NEWS_TABLE": "news", "PATH": CLEAN["PATH"]}
    env |= {"AUTH_ISSUER": auth.issuer, "AUTH_AUDIENCE": auth.audience, "AUTH_JWKS": auth.jwks}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    # redis-py asks whether there is a package `cryptography`; what costs is what lies in it
    everything = ["cryptography.hazmat", "jwt", "shared.auth.jwks", "shared.auth.tokens"]
    assert json.loads(done.stdout) == [[200, 400], 401, 415, [], 401, everything]
