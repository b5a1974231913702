"""GET /openapi.json and the Swagger UI page at /docs."""

import json
import re
import sys
from importlib.resources import files

import pytest

from shared.app import create_app
from shared.config import Settings, SettingsError
from shared.lambda_adapter.handler import make_handler
from support.environment import ROOT
from support.event_builders import ENCODERS, Request, http_api_2, parse_response

OPENAPI = (ROOT / "openapi.json").read_bytes()
LEAST = {"STAGE": "dev", "AWS_REGION": "eu-central-1", "NEWS_TABLE": "news-dev"}


def make_app(**changes):
    return create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, **changes))


@pytest.fixture
def client():
    return make_app(docs=True).test_client()


def test_the_openapi_document_is_served_as_committed(client):
    response = client.get("/openapi.json")
    assert (response.status_code, response.content_type, response.data) == (200, "application/json", OPENAPI)
    assert client.head("/openapi.json").content_length == len(OPENAPI)


def test_the_openapi_document_is_served_without_the_page():
    client = make_app().test_client()
    assert client.get("/openapi.json").data == OPENAPI
    for target in ("/docs", "/docs/", "/docs/docs.js"):
        assert client.get(target).status_code == 404


@pytest.mark.parametrize("target", ["/openapi.json", "/docs", "/docs/swagger-ui.css"])
def test_a_matching_etag_returns_304(client, target):
    first = client.get(target)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(target, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("target", ["/docs", "/docs/"])
@pytest.mark.parametrize("root", ["", "/v1"])
def test_every_asset_of_the_page_is_served_under_its_prefix(client, target, root):
    page = client.get(target, environ_overrides={"SCRIPT_NAME": root})
    assert page.content_type == "text/html; charset=utf-8"
    urls = re.findall(r'(?:src|href|data-openapi)="([^"]+)"', page.text)
    assert len(urls) == 6
    for url in urls:
        assert url.startswith(f"{root}/")
        loaded = client.get(url.removeprefix(root))
        assert loaded.status_code == 200
        assert loaded.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_has_no_inline_code_and_loads_nothing_from_other_hosts(client):
    page = client.get("/docs")
    policy = dict(
        directive.strip().split(" ", 1) for directive in page.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert re.findall(r"<script(?![^>]* src=)|<style|style=| on\w+=|//", page.text) == []


@pytest.mark.parametrize("name", ["index.html", "docs.py", "..%2Fapp.py", "swagger-ui.js", "docs.html"])
def test_no_other_file_is_served(client, name):
    assert client.get(f"/docs/{name}").status_code == 404


def test_the_page_is_not_in_the_openapi_document():
    assert not [path for path in json.loads(OPENAPI)["paths"] if path.startswith(("/docs", "/openapi"))]


@pytest.mark.parametrize(
    ("env", "is_enabled"),
    [
        ({"STAGE": "local"}, True),
        ({"STAGE": "local", "DOCS": "no"}, False),
        ({"STAGE": "local", "AWS_LAMBDA_FUNCTION_NAME": "news"}, False),
        ({"STAGE": "dev"}, False),
        ({"STAGE": "prod", "DOCS": ""}, False),
        ({"STAGE": "locals"}, False),
        ({"STAGE": "prod", "DOCS": "yes"}, True),
        ({"STAGE": "prod", "AWS_LAMBDA_FUNCTION_NAME": "news", "DOCS": "yes"}, True),
    ],
)
def test_the_page_is_enabled_by_default_in_local_runs_only(env, is_enabled):
    assert Settings.from_env(LEAST | env).docs is is_enabled


def test_without_its_assets_the_page_is_disabled(monkeypatch):
    monkeypatch.setitem(sys.modules, "flask_swagger_ui", None)
    assert not Settings.from_env(LEAST | {"STAGE": "local"}).docs
    with pytest.raises(SettingsError, match=r"^DOCS: requires flask-swagger-ui"):
        Settings.from_env(LEAST | {"DOCS": "yes"})


@pytest.mark.parametrize("source", ENCODERS)
def test_lambda_serves_the_openapi_document_as_committed(source):
    handler = make_handler(make_app())
    response = parse_response(handler(ENCODERS[source](Request(path="/openapi.json")), None))
    assert (response.status, response.body) == (200, OPENAPI)


def test_behind_a_stage_the_urls_of_the_page_have_the_stage():
    handler = make_handler(make_app(docs=True))
    sent = Request(path="/docs", host="a1b2.execute-api.eu-central-1.amazonaws.com")
    response = parse_response(handler(http_api_2(sent, stage="dev"), None))
    assert response.status == 200
    assert b'data-openapi="/dev/openapi.json"' in response.body


def test_lambda_serves_the_largest_asset():
    handler = make_handler(make_app(docs=True))
    response = parse_response(handler(http_api_2(Request(path="/docs/swagger-ui-bundle.js")), None))
    assert response.status == 200
    assert response.body == (files("flask_swagger_ui") / "dist" / "swagger-ui-bundle.js").read_bytes()
