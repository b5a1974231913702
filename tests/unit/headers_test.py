"""Security headers and CORS: in the app, under gunicorn, and with the Lambda adapter."""

import pytest
import requests

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from shared.constants import CLAIMS
from shared.lambda_adapter.handler import make_handler
from support import token_issuer
from support.event_builders import Request, alb, http_api_2, parse_response
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
def cors_client():
    """A client of an app that allows two origins."""
    return make_app(cors_origins=(PAGE, "http://localhost:3000")).test_client()


TARGETS = ["/news/", "/health", "/nix", "/news/?x=1", "/failing"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PATCH"])
def test_every_response_forbids_content_type_sniffing(client, target, method):
    response = client.open(target, method=method)
    assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert "Strict-Transport-Security" not in response.headers


@pytest.mark.parametrize(("target", "status"), [("/nix", 404), ("/news/?x=1", 400), ("/failing", 500)])
def test_errors_are_not_storable(client, target, status):
    response = client.get(target)
    assert (response.status_code, response.headers["Cache-Control"]) == (status, "no-store")
    assert client.post("/news/", json=sent()).headers["Cache-Control"] == "no-store"


def test_authenticated_responses_are_not_storable(tmp_path):
    client = make_app(auth=token_issuer.auth_settings(tmp_path / "jwks.json")).test_client()
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    assert client.post("/news/", json=sent(), headers=bearer).headers["Cache-Control"] == "no-store"
    assert client.get("/health", headers=bearer).headers["Cache-Control"] == "no-store"
    claims = {CLAIMS: {"scope": "news:write"}}
    assert client.get("/health", environ_overrides=claims).headers["Cache-Control"] == "no-store"


def test_public_reads_with_a_token_are_storable(client):
    for caller in ({"headers": {"Authorization": "Bearer x"}}, {"environ_overrides": {CLAIMS: {"sub": "x"}}}):
        assert client.get("/news/", **caller).headers["Cache-Control"] == "no-cache"


def test_anonymous_reads_are_storable(client):
    assert "no-store" not in client.get("/news/").headers.get("Cache-Control", "")


def test_tls_responses_have_hsts(client):
    response = client.get("/health", base_url="https://api.example.com")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_header_alone_does_not_mean_tls(client):
    for name in ("X-Forwarded-Proto", "X-Forwarded-Ssl", "Forwarded", "X-Scheme"):
        response = client.get("/health", headers={name: "https"})
        assert "Strict-Transport-Security" not in response.headers


def test_the_lambda_adapter_detects_tls_from_its_event_source():
    handler = make_handler(make_app())
    event = alb(Request(path="/health"))
    assert "strict-transport-security" in parse_response(handler(event, None)).headers
    event["headers"]["x-forwarded-proto"] = "http"
    assert "strict-transport-security" not in parse_response(handler(event, None)).headers


def test_errors_of_the_lambda_adapter_have_the_headers(encode):
    response = parse_response(
        make_handler(make_app())(encode(Request()) | {"headers": "x", "multiValueHeaders": "x"}, None)
    )
    assert response.status == 400
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


def test_gunicorn_trusts_only_configured_proxies_about_tls(tmp_path):
    """FORWARDED_ALLOW_IPS lists the proxies; the default is a proxy on the same machine."""
    tls = {"X-Forwarded-Proto": "https"}
    with LocalRun(tmp_path) as run:
        assert (
            "Strict-Transport-Security" in requests.get(f"{run.url}/health", headers=tls, timeout=10).headers
        )
        assert "Strict-Transport-Security" not in requests.get(f"{run.url}/health", timeout=10).headers
    with LocalRun(tmp_path, FORWARDED_ALLOW_IPS="192.0.2.1") as run:
        response = requests.get(f"{run.url}/health", headers=tls, timeout=10)
        assert "Strict-Transport-Security" not in response.headers


# --- CORS


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_without_origins_no_response_has_cors_headers(client, method):
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    response = client.open("/news/", method=method, headers=headers)
    assert not CORS & set(response.headers.keys())
    assert "Origin" not in response.vary


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
@pytest.mark.parametrize("target", TARGETS)
def test_an_allowed_origin_may_read_every_response(cors_client, origin, target):
    response = cors_client.get(target, headers={"Origin": origin})
    assert response.headers["Access-Control-Allow-Origin"] == origin
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Link", "Location", "X-Cache"} <= exposed
    assert "Origin" in response.vary


@pytest.mark.parametrize(
    "origin",
    [OTHER, "null", "", "*", PAGE + ".evil.com", "http://app.example.com", PAGE + ":8443", PAGE.upper()],
)
def test_another_origin_may_not_read_responses(cors_client, origin):
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        response = cors_client.open("/news/", method=method, headers=headers)
        assert not CORS & set(response.headers.keys())
        assert "Origin" in response.vary


def test_a_response_without_an_origin_varies_by_origin(cors_client):
    response = cors_client.get("/news/")
    assert "Origin" in response.vary
    assert not CORS & set(response.headers.keys())


@pytest.mark.parametrize(
    ("target", "methods"),
    [
        ("/news/", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/news/x", {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}),
    ],
)
def test_a_preflight_lists_methods_and_headers_without_a_token(cors_client, target, methods):
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}
    response = cors_client.options(
        target, headers=headers | {"Access-Control-Request-Headers": "authorization"}
    )
    assert response.status_code == 200
    assert set(response.headers["Access-Control-Allow-Methods"].split(", ")) == methods
    allowed = set(response.headers["Access-Control-Allow-Headers"].split(", "))
    assert {"Authorization", "Content-Type", "If-Match", "If-None-Match"} <= allowed
    assert response.headers["Access-Control-Max-Age"] == "600"


def test_other_responses_have_no_preflight_headers(cors_client):
    for response in (
        cors_client.options("/news/", headers={"Origin": PAGE}),
        cors_client.get("/news/", headers={"Origin": PAGE}),
    ):
        assert "Access-Control-Allow-Methods" not in response.headers
        assert "Access-Control-Max-Age" not in response.headers


@pytest.mark.parametrize("origins", [("*",), (PAGE,)])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_credentials_are_never_allowed(origins, method):
    client = make_app(cors_origins=origins).test_client()
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Cookie": "a=1"}
    response = client.open("/news/", method=method, headers=headers)
    assert response.headers["Access-Control-Allow-Origin"] == origins[0]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_a_wildcard_origin_gives_every_origin_the_same_response():
    client = make_app(cors_origins=("*",)).test_client()
    assert client.get("/news/").headers["Access-Control-Allow-Origin"] == "*"
    assert "Origin" not in client.get("/news/", headers={"Origin": OTHER}).vary


def test_the_lambda_adapter_responds_to_a_preflight():
    handler = make_handler(make_app(cors_origins=(PAGE,)))
    headers = (("Origin", PAGE), ("Access-Control-Request-Method", "POST"))
    response = parse_response(handler(http_api_2(Request("OPTIONS", "/news/", headers=headers)), None))
    assert (response.status, response.headers["access-control-allow-origin"]) == (200, PAGE)
