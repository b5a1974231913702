"""Security headers and CORS: in the app, under gunicorn, and with the Lambda adapter."""

import pytest
import requests

from shared.constants import CLAIMS
from shared.lambda_adapter.handler import make_handler
from support import token_issuer
from support.event_builders import Request, alb, parse_response
from support.fakes import sent
from support.gunicorn_server import GunicornServer
from support.headers_harness import TARGETS, make_app


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
    with GunicornServer(tmp_path) as server:
        assert (
            "Strict-Transport-Security"
            in requests.get(f"{server.url}/health", headers=tls, timeout=10).headers
        )
        assert "Strict-Transport-Security" not in requests.get(f"{server.url}/health", timeout=10).headers
    with GunicornServer(tmp_path, FORWARDED_ALLOW_IPS="192.0.2.1") as server:
        response = requests.get(f"{server.url}/health", headers=tls, timeout=10)
        assert "Strict-Transport-Security" not in response.headers
