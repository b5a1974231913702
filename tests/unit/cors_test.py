"""CORS: allowed origins, preflights and credentials."""

import pytest

from shared.lambda_adapter.handler import make_handler
from support.event_builders import Request, http_api_2, parse_response
from support.headers_harness import PAGE, TARGETS, make_app

OTHER = "https://evil.example.com"
CORS = {
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
}


@pytest.fixture
def cors_client():
    """A client of an app that allows two origins."""
    return make_app(cors_origins=(PAGE, "http://localhost:3000")).test_client()


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
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"} <= allowed
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
