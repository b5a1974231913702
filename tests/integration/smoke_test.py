"""`make smoke` accepts this service, and finds each broken rule of another one."""

import contextlib
import json
import threading

import pytest
from werkzeug.serving import make_server

from news.controller import setup_route
from news.dao import NewsDao
from news.model import NewsFilter
from shared.app import create_app
from shared.constants import CLAIMS
from support import token_issuer
from support.environment import settings_for
from support.fakes import sent
from tools.local.tables import create_tables
from tools.smoke.run import run

TOKEN = "good"


class Fault:
    """WSGI middleware that accepts TOKEN, and breaks one rule."""

    def __init__(self, app):
        self.app = app
        self.change_request = lambda environ: None
        self.change_response = lambda environ, headers, body: (headers, body)

    def __call__(self, environ, start_response):
        if environ.get("HTTP_AUTHORIZATION") == f"Bearer {TOKEN}":
            environ[CLAIMS] = {"scope": "news:write"}
        self.change_request(environ)
        started = []
        chunks = self.app(environ, lambda status, headers, _=None: started.append((status, headers)))
        body = b"".join(chunks)
        [(status, headers)] = started
        headers, body = self.change_response(environ, headers, body)
        headers = [(name, value) for name, value in headers if name != "Content-Length"]
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]


@pytest.fixture
def service(ministack_url, valkey, tmp_path):
    """A service with twelve items and a cache; its URL, its faults and its items."""
    settings = settings_for(
        ministack_url, redis_url=valkey.url, auth=token_issuer.auth_settings(tmp_path / "jwks.json")
    )
    create_tables(settings)
    app = create_app(settings)
    setup_route(app)
    for number in range(12):
        item = sent(number, title=f"Title {number} {'x' * 50}")
        app.test_client().post("/news/", json=item, environ_base={CLAIMS: {"scope": "news:write"}})
    fault = Fault(app.wsgi_app)
    server = make_server("127.0.0.1", 0, fault, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", fault, lambda: NewsDao(settings).page(NewsFilter(), None, 100)[0]
    server.shutdown()
    thread.join()
    server.server_close()


def failures(capsys):
    lines = capsys.readouterr().out.splitlines()
    return [line.removeprefix("FAILED   /news/ ").partition(":")[0] for line in lines if "FAILED" in line]


def test_this_service_passes_and_keeps_its_items(service, capsys):
    url, _, items = service
    before = items()
    assert run(url, TOKEN)
    printed = capsys.readouterr().out
    assert "FAILED" not in printed
    assert printed.count("ok   ") == 12
    assert TOKEN not in printed
    assert items() == before


def test_without_a_token_only_reads_are_checked(service, capsys):
    url, _, items = service
    before = items()
    assert run(f"{url}/")
    assert capsys.readouterr().out.count("no TOKEN") == 3
    assert items() == before


def is_list(environ):
    return environ["PATH_INFO"] == "/news/" and environ["REQUEST_METHOD"] == "GET"


def without(*names):
    def change(_environ, headers, body):
        return [(name, value) for name, value in headers if name not in names], body

    return change


def with_header(name, value):
    def change(environ, headers, body):
        if not is_list(environ):
            return headers, body
        return [*((key, old) for key, old in headers if key != name), (name, value)], body

    return change


def incomplete_items(environ, headers, body):
    with contextlib.suppress(ValueError, KeyError):
        page = json.loads(body)
        for item in page["items"]:
            del item["source"]
        body = json.dumps(page).encode()
    return headers, body


def without_no_store(_environ, headers, body):
    return [(name, "no-cache" if value == "no-store" else value) for name, value in headers], body


RESPONSES = {
    "content type": (with_header("Content-Type", "text/html"), "list"),
    "nosniff": (without("X-Content-Type-Options"), "list"),
    "a documented header": (without("Cache-Control"), "list"),
    "a field of an item": (incomplete_items, "list"),
    "the cache": (with_header("X-Cache", "MISS"), "cache"),
    "X-Cache": (with_header("X-Cache", "hit"), "cache"),
    "no-store": (without_no_store, "problems"),
    "Allow": (without("Allow"), "methods"),
    "the ETag of gzip": (with_header("ETag", '"same"'), "gzip"),
}


@pytest.mark.parametrize(("change", "check"), RESPONSES.values(), ids=RESPONSES)
def test_a_broken_response_is_found(service, capsys, change, check):
    url, fault, _ = service
    fault.change_response = change
    assert not run(url)
    assert check in failures(capsys)


def ignore_token(environ):
    environ[CLAIMS] = {"scope": "news:write"}


def ignore_condition(environ):
    if "HTTP_IF_MATCH" in environ:
        environ["HTTP_IF_MATCH"] = "*"


def ignore_delete(environ):
    if environ["REQUEST_METHOD"] == "DELETE":
        environ["REQUEST_METHOD"] = "OPTIONS"


REQUESTS = {
    "If-None-Match is ignored": (lambda environ: environ.pop("HTTP_IF_NONE_MATCH", None), "not modified"),
    "parameters are ignored": (lambda environ: environ.update(QUERY_STRING=""), "problems"),
    "the token is ignored": (ignore_token, "writes need a token"),
    "If-Match is ignored": (ignore_condition, "replace and conflict"),
    "DELETE does nothing": (ignore_delete, "delete"),
}


@pytest.mark.parametrize(("change", "check"), REQUESTS.values(), ids=REQUESTS)
def test_a_rule_that_is_not_applied_is_found(service, capsys, change, check):
    url, fault, items = service
    before = items()
    fault.change_request = change
    assert not run(url, TOKEN)
    assert check in failures(capsys)
    if change is not ignore_delete:
        assert items() == before


def test_an_unreachable_api_fails_with_one_line(capsys):
    assert not run("http://127.0.0.1:9")
    assert capsys.readouterr().out == (
        "FAILED   openapi.json: GET http://127.0.0.1:9/openapi.json: ConnectionError\n"
    )
