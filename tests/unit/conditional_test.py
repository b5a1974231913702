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
def test_a_matching_etag_returns_304_without_a_body(client, url, form):
    whole = client.get(url)
    response = client.get(url, headers={"If-None-Match": form.format(whole.headers["ETag"])})
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == whole.headers["ETag"]
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Cache"] == "BYPASS"
    assert "Content-Type" not in response.headers
    assert "Content-Length" not in response.headers


@pytest.mark.parametrize("header", ['"x"', 'W/"x", "y"', '""', "", ",", '"', "W/", '"*"', "\x00", '"1'])
def test_another_etag_returns_the_whole_body(client, url, header):
    response = client.get(url, headers={"If-None-Match": header})
    assert response.status_code == 200
    assert response.data


def test_head_is_conditional_too(client, url):
    tag = client.head(url).headers["ETag"]
    assert client.head(url, headers={"If-None-Match": tag}).status_code == 304


def test_a_write_changes_the_etag(client, url):
    before = client.get(url).headers["ETag"]
    version = client.get(client.item).headers["ETag"]
    client.put(client.item, json=sent(title="Other"), headers={"If-Match": version})
    response = client.get(url, headers={"If-None-Match": before})
    assert response.status_code == 200
    assert response.headers["ETag"] != before


def test_a_recreated_item_is_returned_whole(client):
    before = client.get(client.item).headers["ETag"]
    client.delete(client.item)
    client.post("/news/", json=sent())
    response = client.get(client.item, headers={"If-None-Match": before})
    assert response.status_code == 200
    assert response.headers["ETag"] != before


def test_a_deleted_item_is_not_found_for_any_etag(client):
    client.delete(client.item)
    assert client.get(client.item, headers={"If-None-Match": "*"}).status_code == 404


def test_a_write_ignores_if_none_match(client):
    response = client.post("/news/", json=sent(2), headers={"If-None-Match": "*"})
    assert (response.status_code, "X-Cache" in response.headers) == (201, False)
