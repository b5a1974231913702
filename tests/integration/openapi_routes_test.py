"""The contract and the page that shows it, as they are served: whole, from one place, and only if wanted."""

import json
import re
import sys
from importlib.resources import files

import pytest

from shared.app import create_app
from shared.config import Settings, SettingsError
from shared.lambda_adapter.handler import make_handler
from support.environment import ROOT
from support.event_builders import ENCODERS, Sent, got_from, http_api_2

CONTRACT = (ROOT / "openapi.json").read_bytes()
LEAST = {"STAGE": "dev", "AWS_REGION": "eu-central-1", "NEWS_TABLE": "news-dev"}


def make_app(**changes):
    return create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, **changes))


@pytest.fixture
def client():
    return make_app(docs=True).test_client()


def test_the_contract_is_served_as_it_is_committed(client):
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.content_type, answer.data) == (200, "application/json", CONTRACT)
    assert client.head("/openapi.json").content_length == len(CONTRACT)


def test_the_contract_is_served_without_the_page_too():
    client = make_app().test_client()
    assert client.get("/openapi.json").data == CONTRACT
    for target in ("/docs", "/docs/", "/docs/docs.js"):
        assert client.get(target).status_code == 404


@pytest.mark.parametrize("target", ["/openapi.json", "/docs", "/docs/swagger-ui.css"])
def test_who_has_it_already_gets_no_second_copy(client, target):
    first = client.get(target)
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.get(target, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("target", ["/docs", "/docs/"])
@pytest.mark.parametrize("root", ["", "/v1"])
def test_all_that_the_page_loads_is_served_under_the_address_that_it_has_itself(client, target, root):
    page = client.get(target, environ_overrides={"SCRIPT_NAME": root})
    assert page.content_type == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href|data-openapi)="([^"]+)"', page.text)
    assert len(named) == 6
    for each in named:
        assert each.startswith(f"{root}/")
        loaded = client.get(each.removeprefix(root))
        assert loaded.status_code == 200
        assert loaded.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_may_run_nothing_that_is_written_in_it_and_load_nothing_from_elsewhere(client):
    page = client.get("/docs")
    policy = dict(each.strip().split(" ", 1) for each in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert re.findall(r"<script(?![^>]* src=)|<style|style=| on\w+=|//", page.text) == []


@pytest.mark.parametrize("name", ["index.html", "docs.py", "..%2Fapp.py", "swagger-ui.js", "docs.html"])
def test_no_other_file_is_served(client, name):
    assert client.get(f"/docs/{name}").status_code == 404


def test_the_page_is_not_in_the_contract():
    assert not [path for path in json.loads(CONTRACT)["paths"] if path.startswith(("/docs", "/openapi"))]


@pytest.mark.parametrize(
    ("env", "is_shown"),
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
def test_the_page_is_shown_by_default_on_a_developers_machine_only(env, is_shown):
    assert Settings.from_env(LEAST | env).docs is is_shown


def test_without_its_assets_the_page_is_not_shown_and_cannot_be_switched_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "flask_swagger_ui", None)
    assert not Settings.from_env(LEAST | {"STAGE": "local"}).docs
    with pytest.raises(SettingsError, match="DOCS: is yes, but"):
        Settings.from_env(LEAST | {"DOCS": "yes"})


@pytest.mark.parametrize("source", ENCODERS)
def test_lambda_serves_the_contract_as_it_is_committed(source):
    handler = make_handler(make_app())
    got = got_from(handler(ENCODERS[source](Sent(path="/openapi.json")), None))
    assert (got.status, got.body) == (200, CONTRACT)


def test_behind_a_stage_the_page_names_the_addresses_of_the_stage():
    handler = make_handler(make_app(docs=True))
    sent = Sent(path="/docs", host="a1b2.execute-api.eu-central-1.amazonaws.com")
    got = got_from(handler(http_api_2(sent, stage="dev"), None))
    assert got.status == 200
    assert b'data-openapi="/dev/openapi.json"' in got.body


def test_lambda_serves_the_largest_file_of_the_page():
    handler = make_handler(make_app(docs=True))
    got = got_from(handler(http_api_2(Sent(path="/docs/swagger-ui-bundle.js")), None))
    assert got.status == 200
    assert got.body == (files("flask_swagger_ui") / "dist" / "swagger-ui-bundle.js").read_bytes()
