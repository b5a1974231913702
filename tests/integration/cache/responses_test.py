"""Which responses are cached, under which keys, and with which headers, on a real Valkey."""

import pytest

from support.cache_harness import make_app, x_cache
from support.fakes import sent


def test_the_second_response_comes_from_the_cache_and_is_the_same(client, dao, clock, url):
    first = client.get(url)
    clock.seconds += 0.9
    second = client.get(url)
    assert (x_cache(first), x_cache(second)) == ((200, "MISS"), (200, "HIT"))
    assert second.data == first.data
    assert dao.loads == 1
    headers = dict(second.headers)
    assert headers.pop("Age") == "0"
    assert headers | {"X-Cache": "MISS"} == dict(first.headers)


def test_the_age_counts_from_the_start_of_the_load(client, clock, url):
    clock.seconds += 5
    client.get(url)
    clock.seconds += 42.7
    assert client.get(url).headers["Age"] == "42"


def test_head_and_get_share_an_entry(client, dao, url):
    assert x_cache(client.head(url)) == (200, "MISS")
    whole = client.get(url)
    head = client.head(url)
    assert (x_cache(whole), x_cache(head)) == ((200, "HIT"), (200, "HIT"))
    assert head.data == b""
    assert int(head.headers["Content-Length"]) == len(whole.data)
    assert dao.loads == 1


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", W/{}', "*"])
def test_a_hit_is_conditional(client, url, form):
    whole = client.get(url)
    response = client.get(url, headers={"If-None-Match": form.format(whole.headers["ETag"])})
    assert x_cache(response) == (304, "HIT")
    assert response.data == b""
    assert {"Age", "Cache-Control", "ETag"} <= set(response.headers.keys())
    assert "Content-Type" not in response.headers


def test_a_conditional_miss_stores_the_whole_response(client, url):
    assert x_cache(client.get(url, headers={"If-None-Match": "*"})) == (304, "MISS")
    response = client.get(url)
    assert x_cache(response) == (200, "HIT")
    assert response.data


def test_without_a_cache_every_response_is_a_bypass(dao):
    client = make_app(dao, redis_url=None).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    for url in ("/news/", item, "/news/"):
        assert x_cache(client.get(url)) == (200, "BYPASS")
    assert client.delete(item).status_code == 204


def test_health_and_errors_have_no_x_cache_header(client):
    for url in ("/health", "/news/none", "/news/?limit=0"):
        assert "X-Cache" not in client.get(url).headers


def test_the_deep_health_check_includes_redis(client):
    assert client.get("/health?deep=1").json["checks"]["redis"] == "ok"
