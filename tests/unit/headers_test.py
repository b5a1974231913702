"""Security headers and CORS: in the app, behind gunicorn, and behind the Lambda adapter."""

import pytest
import requests

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from shared.constants import CLAIMS
from shared.lambda_adapter.handler import make_handler
from support import token_issuer
from support.event_builders import ENCODERS, Request, alb, http_api_2, parse_response
from support.fakes import FakeDao, clock, sent
from support.local_run import LocalRun

PAGE = "https://app.example.com"
OTHER = "https://evil.example.com"
CORS = {
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
}


def make_app(**changes):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, **changes))
    setup_route(app, NewsService(FakeDao(), now=clock()))
    app.get("/failing")(lambda: 1 / 0)
    return app


@pytest.fixture
def client():
    return make_app().test_client()


@pytest.fixture
def shared():
    """A service that pages of two origins may use."""
    return make_app(cors_origins=(PAGE, "http://localhost:3000")).test_client()


TARGETS = ["/news/", "/health", "/nix", "/news/?x=1", "/failing"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PATCH"])
def test_nobody_is_to_guess_the_type_of_any_answer(client, target, method):
    answer = client.open(target, method=method)
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(("target", "status"), [("/nix", 404), ("/news/?x=1", 400), ("/failing", 500)])
def test_errors_are_not_kept(client, target, status):
    answer = client.get(target)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
    assert client.post("/news/", json=sent()).headers["Cache-Control"] == "no-store"


def test_answers_to_somebody_are_not_kept(tmp_path):
    client = make_app(auth=token_issuer.auth_settings(tmp_path / "jwks.json")).test_client()
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    assert client.post("/news/", json=sent(), headers=bearer).headers["Cache-Control"] == "no-store"
    assert client.get("/health", headers=bearer).headers["Cache-Control"] == "no-store"
    claims = {CLAIMS: {"scope": "news:write"}}
    assert client.get("/health", environ_overrides=claims).headers["Cache-Control"] == "no-store"


def test_public_reads_with_a_token_are_as_storable_as_without(client):
    for known in ({"headers": {"Authorization": "Bearer x"}}, {"environ_overrides": {CLAIMS: {"sub": "x"}}}):
        assert client.get("/news/", **known).headers["Cache-Control"] == "no-cache"


def test_anonymous_reads_may_be_kept(client):
    assert "no-store" not in client.get("/news/").headers.get("Cache-Control", "")


def test_behind_tls_a_browser_is_to_stay_there(client):
    answer = client.get("/health", base_url="https://api.example.com")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_header_alone_makes_no_tls(client):
    for name in ("X-Forwarded-Proto", "X-Forwarded-Ssl", "Forwarded", "X-Scheme"):
        answer = client.get("/health", headers={name: "https"})
        assert "Strict-Transport-Security" not in answer.headers


def test_the_lambda_adapter_knows_tls_from_its_source():
    handler = make_handler(make_app())
    event = alb(Request(path="/health"))
    assert "strict-transport-security" in parse_response(handler(event, None)).headers
    event["headers"]["x-forwarded-proto"] = "http"
    assert "strict-transport-security" not in parse_response(handler(event, None)).headers


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_errors_of_the_lambda_adapter_itself_have_the_headers_too(encode):
    answer = parse_response(
        make_handler(make_app())(encode(Request()) | {"headers": "x", "multiValueHeaders": "x"}, None)
    )
    assert answer.status == 400
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_gunicorn_believes_in_tls_only_whom_it_is_told_to(tmp_path):
    """It is told by its own setting, FORWARDED_ALLOW_IPS; by default, a proxy on the same machine."""
    tls = {"X-Forwarded-Proto": "https"}
    with LocalRun(tmp_path) as run:
        assert (
            "Strict-Transport-Security" in requests.get(f"{run.url}/health", headers=tls, timeout=10).headers
        )
        assert "Strict-Transport-Security" not in requests.get(f"{run.url}/health", timeout=10).headers
    with LocalRun(tmp_path, FORWARDED_ALLOW_IPS="192.0.2.1") as run:
        answer = requests.get(f"{run.url}/health", headers=tls, timeout=10)
        assert "Strict-Transport-Security" not in answer.headers


# --- CORS


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_without_origins_no_page_may_read_anything(client, method):
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    answer = client.open("/news/", method=method, headers=headers)
    assert not CORS & set(answer.headers.keys())
    assert "Origin" not in answer.vary


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_page_of_an_origin_that_is_named_may_read_every_answer(shared, origin, target):
    answer = shared.get(target, headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Link", "Location", "X-Cache"} <= exposed
    assert "Origin" in answer.vary


@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "", "*", PAGE + ".evil.com", "http://app.example.com", PAGE + ":8443", PAGE.upper()],
)
def test_a_page_of_another_origin_may_not(shared, origin):
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answer = shared.open("/news/", method=method, headers=headers)
        assert not CORS & set(answer.headers.keys())
        assert "Origin" in answer.vary


def test_who_is_no_page_gets_an_answer_that_caches_keep_apart_from_a_pages(shared):
    answer = shared.get("/news/")
    assert "Origin" in answer.vary
    assert not CORS & set(answer.headers.keys())


@pytest.mark.parametrize(
    ("target", "methods"),
    [
        ("/news/", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/news/x", {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}),
    ],
)
def test_a_preflight_names_methods_and_headers_and_needs_no_token(shared, target, methods):
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
    answer = shared.options(target, headers=headers | {"Access-Control-Request-Headers": "authorization"})
    assert answer.status_code == 200
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    allowed = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert {"Authorization", "Content-Type", "If-Match", "If-None-Match"} <= allowed
    assert answer.headers["Access-Control-Max-Age"] == "600"


def test_an_answer_that_is_no_preflights_has_none_of_that(shared):
    for answer in (
        shared.options("/news/", headers={"Origin": PAGE}),
        shared.get("/news/", headers={"Origin": PAGE}),
    ):
        assert "Access-Control-Allow-Methods" not in answer.headers
        assert "Access-Control-Max-Age" not in answer.headers


@pytest.mark.parametrize("origins", [("*",), (PAGE,)])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_credentials_are_never_allowed(origins, method):
    client = make_app(cors_origins=origins).test_client()
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Cookie": "a=1"}
    answer = client.open("/news/", method=method, headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == origins[0]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_where_any_origin_may_read_the_answer_is_the_same_for_all():
    client = make_app(cors_origins=("*",)).test_client()
    assert client.get("/news/").headers["Access-Control-Allow-Origin"] == "*"
    assert "Origin" not in client.get("/news/", headers={"Origin": OTHER}).vary


def test_a_preflight_through_the_lambda_adapter_is_answered():
    handler = make_handler(make_app(cors_origins=(PAGE,)))
    headers = (("Origin", PAGE), ("Access-Control-Request-Method", "POST"))
    answer = parse_response(handler(http_api_2(Request("OPTIONS", "/news/", headers=headers)), None))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, PAGE)
