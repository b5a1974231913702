"""Responses that are not cached: private views, cookies, other headers and other status codes."""

import pytest
from flask import Response

from shared.auth.scopes import require_scope
from shared.cache.decorators import cached
from shared.constants import CLAIMS
from support.cache_harness import make_app, x_cache


@pytest.fixture
def app(dao, valkey, clock):
    app = make_app(dao, valkey.url, clock)
    app.add_url_rule("/cookie", view_func=cookie)
    app.add_url_rule("/status/<int:status>", view_func=other_status)
    app.add_url_rule("/private", view_func=cached("news", key=lambda: 1)(lambda: "x"))
    app.add_url_rule("/scoped", view_func=scoped)
    return app


@cached("news", key=lambda: "cookie")
def cookie():
    response = Response("x")
    response.set_cookie("who", "me")
    return response


@cached("news", key=lambda status: status)
def other_status(status):
    return "x", status


@require_scope("news:read")
@cached("news", key=lambda: 1, public=True)
def scoped():
    return "x"


CREDENTIALS = pytest.mark.parametrize(
    "known",
    [{"headers": {"Authorization": "Bearer x"}}, {"environ_overrides": {CLAIMS: {"sub": "x"}}}],
    ids=["token", "claims of API Gateway"],
)


@CREDENTIALS
def test_a_request_with_credentials_bypasses_the_cache_where_the_view_is_not_public(client, keys, known):
    before = keys()
    response = client.get("/private", **known)
    assert x_cache(response) == (200, "BYPASS")
    assert response.headers["Cache-Control"] == "no-store"
    assert keys() == before
    client.get("/private")
    assert x_cache(client.get("/private", **known)) == (200, "BYPASS")


@CREDENTIALS
def test_a_request_with_credentials_is_served_from_the_cache_where_the_view_is_public(
    client, dao, url, known
):
    first = client.get(url, **known)
    assert x_cache(first) == (200, "MISS")
    second = client.get(url)
    assert x_cache(second) == (200, "HIT")
    assert x_cache(client.get(url, **known)) == (200, "HIT")
    assert dao.loads == 1
    assert first.data == second.data
    assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "no-cache"
    tag = second.headers["ETag"]
    unchanged = client.get(url, **known | {"headers": {"If-None-Match": tag} | known.get("headers", {})})
    assert x_cache(unchanged) == (304, "HIT")
    assert unchanged.headers["Cache-Control"] == "no-cache"


@CREDENTIALS
def test_an_error_of_a_public_view_is_not_storable(client, known):
    assert client.get("/news/none", **known).headers["Cache-Control"] == "no-store"


def test_a_public_view_that_needs_a_scope_is_no_store_for_clients(client):
    known = {"environ_overrides": {CLAIMS: {"scope": "news:read"}}}
    responses = [client.get("/scoped", **known) for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "MISS"), (200, "HIT")]
    assert {response.headers["Cache-Control"] for response in responses} == {"no-store"}
    assert client.get("/scoped").status_code in {401, 403}


@pytest.mark.parametrize(
    "headers",
    [
        {"Vary": "Accept-Language"},
        {"X-Own": "x"},
        {"Content-Encoding": "gzip"},
        {"Access-Control-Allow-Origin": "*"},
        {"Content-Language": "\x7f"},
        {"Content-Language": "\u2028"},
    ],
    ids=str,
)
def test_a_response_with_a_non_storable_header_is_not_stored(app, headers):
    app.add_url_rule("/header", "header", cached("news", key=lambda: 1)(lambda: ("x", headers)))
    client = app.test_client()
    for _ in range(2):
        response = client.get("/header")
        assert x_cache(response) == (200, "BYPASS")
        assert dict(response.headers).items() >= headers.items()


def test_storable_headers_are_part_of_a_hit(app):
    headers = {"Content-Language": "en", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Link": "</x>"}
    app.add_url_rule("/header", "header", cached("news", key=lambda: 1)(lambda: ("x", headers)))
    client = app.test_client()
    miss, hit = client.get("/header"), client.get("/header")
    assert (x_cache(miss), x_cache(hit)) == ((200, "MISS"), (200, "HIT"))
    assert dict(hit.headers) == dict(miss.headers) | {"X-Cache": "HIT", "Age": "0"}


def test_a_response_that_sets_a_cookie_is_never_cached(client, keys):
    before = keys()
    responses = [client.get("/cookie") for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "BYPASS")] * 2
    assert responses[1].headers["Cache-Control"] == "private, no-cache"
    assert keys() == before


@pytest.mark.parametrize("status", [201, 204, 404, 500])
def test_a_response_other_than_200_is_not_stored(client, keys, status):
    before = keys()
    assert [client.get(f"/status/{status}").status_code for _ in range(2)] == [status] * 2
    assert keys() == before
