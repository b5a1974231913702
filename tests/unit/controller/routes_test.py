"""Tests of the news routes and the app, with Flask's test client and a fake DAO."""

import re

import pytest

from support.controller_harness import assert_problem, url_of
from support.fakes import etag, sent


def headers_of(response):
    """Return the headers, with lists as sets."""
    return {name: set(value.split(", ")) for name, value in response.headers.items()}


def test_create_returns_201_with_the_item_its_location_and_its_etag(client):
    response = client.post("/news/", json=sent(published_at="2026-01-01T02:00:00.5+02:00"))
    assert response.status_code == 201
    assert response.content_type == "application/json"
    assert response.headers["Location"] == url_of(response.json)
    assert response.headers["ETag"] == '"1-6474846204000"'
    assert response.json == sent() | {
        "id": "0adedf02-e466-573b-a3fe-6a7f799d7d3d",
        "summary": None,
        "published_at": "2026-01-01T00:00:00.500000Z",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "version": 1,
    }
    assert client.get(response.headers["Location"]).json == response.json


def test_create_of_an_existing_item_returns_200_with_it(client, item):
    response = client.post("/news/", json=sent())
    assert (response.status_code, response.json) == (200, item)
    assert response.headers["Location"] == url_of(item)


def test_create_with_the_url_of_another_item_returns_409(client, item):
    assert_problem(client.post("/news/", json=sent(title="Other")), 409)


def test_get_of_a_missing_item_returns_404(client):
    assert_problem(client.get("/news/00000000-0000-5000-8000-000000000001"), 404)


def test_replace_returns_200_with_the_new_version(client, item):
    response = client.put(url_of(item), json=sent(title="New"), headers={"If-Match": etag(item)})
    assert (response.status_code, response.json["version"]) == (200, 2)
    assert response.headers["ETag"] == etag(response.json) != etag(item)
    assert client.get(url_of(item)).json == response.json
    assert client.get(url_of(item)).headers["ETag"] == response.headers["ETag"]


def test_replace_of_a_missing_item_returns_404(client):
    response = client.put(
        "/news/00000000-0000-5000-8000-000000000001", json=sent(), headers={"If-Match": "*"}
    )
    assert_problem(response, 404)


@pytest.mark.parametrize("tags", [None, "*", "{}"])
def test_delete_returns_204_and_then_404(client, item, tags):
    headers = {"If-Match": tags.format(etag(item))} if tags else {}
    response = client.delete(url_of(item), headers=headers)
    assert (response.status_code, response.data) == (204, b"")
    assert_problem(client.delete(url_of(item), headers=headers), 404)
    assert_problem(client.get(url_of(item)), 404)


def test_an_id_in_upper_case_is_the_same_item(client, item):
    target = f"/news/{item['id'].upper()}"
    shown = client.get(target)
    assert (shown.status_code, shown.json, shown.headers["ETag"]) == (200, item, etag(item))
    changed = client.put(target, json=sent(title="New"), headers={"If-Match": etag(item)})
    assert (changed.status_code, changed.json["id"]) == (200, item["id"])
    assert client.delete(target, headers={"If-Match": etag(changed.json)}).status_code == 204
    assert_problem(client.get(target), 404)


def test_create_with_an_equivalent_url_returns_200_with_the_item(client, item):
    response = client.post("/news/", json=sent(url="HTTPS://EXAMPLE.com:443/1#top"))
    assert (response.status_code, response.json) == (200, item)
    assert response.headers["Location"] == url_of(item)


def test_a_control_character_returns_400_with_the_field(client):
    assert_problem(client.post("/news/", json=sent(title="a\x00b")), 400, "title")
    assert_problem(client.post("/news/", json=sent(source="a\r\nb")), 400, "source")
    assert_problem(client.post("/news/", json=sent(summary="a\x1b[31m")), 400, "summary")


def test_list_returns_items_and_a_link_to_the_next_page(client):
    for n in range(5):
        client.post("/news/", json=sent(n, category="a+b" if n == 9 else "ab"))
    response = client.get("/news/?limit=2&category=ab&since=2025-01-01T00:00:00%2B01:00")
    titles = [item["title"] for item in response.json["items"]]
    while "Link" in response.headers:
        link = re.fullmatch(r'<(/news/\?[^>]*)>; rel="next"', response.headers["Link"])[1]
        assert response.json["next_cursor"] in link
        response = client.get(link)
        titles += [item["title"] for item in response.json["items"]]
    assert titles == [f"Title {n}" for n in (4, 3, 2, 1, 0)]
    assert response.json["next_cursor"] is None


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PATCH"])
def test_the_collection_is_the_same_with_and_without_a_slash(client, item, method):
    with_slash = client.open("/news/", method=method, json=sent() if method == "POST" else None)
    without = client.open("/news", method=method, json=sent() if method == "POST" else None)
    assert with_slash.status_code == without.status_code < 500
    assert without.status_code not in {301, 302, 307, 308}
    assert headers_of(without) == headers_of(with_slash)


@pytest.mark.parametrize("target", ["/news/", "/news", "/health", "item"])
def test_head_returns_the_headers_of_get_without_a_body(client, item, target):
    target = url_of(item) if target == "item" else target
    got, head = client.get(target), client.head(target)
    assert head.status_code == 200
    assert head.data == b""
    assert {**head.headers} == {**got.headers}


@pytest.mark.parametrize(
    ("target", "methods"),
    [("/news/", {"GET", "HEAD", "POST", "OPTIONS"}), ("item", {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})],
)
def test_options_and_405_list_the_methods(client, item, target, methods):
    target = url_of(item) if target == "item" else target
    options, rejected = client.options(target), client.patch(target)
    assert options.status_code == 200
    assert_problem(rejected, 405)
    assert set(options.headers["Allow"].split(", ")) == set(rejected.headers["Allow"].split(", ")) == methods


def test_query_parameters_without_a_route_are_ignored(client):
    assert_problem(client.get("/nix?x=1"), 404)
    assert_problem(client.patch("/news/?x=1"), 405)


@pytest.mark.parametrize("target", ["/", "/nix", "//news", "/news//", "/news/a/b", "/News", "/health/x"])
def test_an_unknown_path_returns_404(client, target):
    assert_problem(client.get(target), 404)
