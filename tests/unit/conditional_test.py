"""ETag, If-None-Match and 304, without a cache."""

import pytest

from support.cache_harness import InstrumentedDao, make_app
from support.fakes import sent


@pytest.fixture
def client():
    client = make_app(InstrumentedDao(), redis_url=None).test_client()
    client.item = client.post("/news/", json=sent()).headers["Location"]
    return client


@pytest.fixture(params=["list", "item"])
def url(request, client):
    return {"list": "/news/", "item": client.item}[request.param]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', 'W/"x",W/{} , "y"', "*"])
def test_what_the_client_has_is_answered_with_304_and_no_body(client, url, form):
    whole = client.get(url)
    answer = client.get(url, headers={"If-None-Match": form.format(whole.headers["ETag"])})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == whole.headers["ETag"]
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Cache"] == "BYPASS"
    assert "Content-Type" not in answer.headers
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("header", ['"x"', 'W/"x", "y"', '""', "", ",", '"', "W/", '"*"', "\x00", '"1'])
def test_another_tag_or_none_is_answered_with_the_whole(client, url, header):
    answer = client.get(url, headers={"If-None-Match": header})
    assert answer.status_code == 200
    assert answer.data


def test_head_is_conditional_too(client, url):
    tag = client.head(url).headers["ETag"]
    assert client.head(url, headers={"If-None-Match": tag}).status_code == 304


def test_a_write_changes_the_etag(client, url):
    before = client.get(url).headers["ETag"]
    version = client.get(client.item).headers["ETag"]
    client.put(client.item, json=sent(title="Other"), headers={"If-Match": version})
    answer = client.get(url, headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != before


def test_an_item_created_again_is_answered_with_the_whole(client):
    before = client.get(client.item).headers["ETag"]
    client.delete(client.item)
    client.post("/news/", json=sent())
    answer = client.get(client.item, headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != before


def test_an_item_that_is_gone_is_not_found_for_any_tag(client):
    client.delete(client.item)
    assert client.get(client.item, headers={"If-None-Match": "*"}).status_code == 404


def test_a_write_ignores_if_none_match(client):
    answer = client.post("/news/", json=sent(2), headers={"If-None-Match": "*"})
    assert (answer.status_code, "X-Cache" in answer.headers) == (201, False)
