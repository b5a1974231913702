"""Tests of the news routes and the app, with Flask's test client and a fake DAO."""

import logging
import re
import time

import pytest

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from shared.constants import CLAIMS
from shared.errors import Unavailable
from shared.web.requests import parse_json
from support.fakes import FakeDao, clock, etag, sent
from tools.local.processes import free_port


@pytest.fixture
def dao():
    return FakeDao()


def make_client(dao, **changes):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, **changes))
    setup_route(app, NewsService(dao, now=clock()))
    client = app.test_client()
    client.environ_base[CLAIMS] = {"scope": "news:write"}
    return client


@pytest.fixture
def client(dao):
    return make_client(dao)


@pytest.fixture
def item(client):
    return client.post("/news/", json=sent()).json


def url_of(item):
    return f"/news/{item['id']}"


def headers_of(response):
    """Return the headers, with lists as sets."""
    return {name: set(value.split(", ")) for name, value in response.headers.items()}


def assert_problem(response, status, field=None):
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.json
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    assert re.fullmatch(r"[0-9a-f-]{36}", body["request_id"])
    if field is None:
        assert "errors" not in body
    else:
        [error] = body["errors"]
        assert error["field"] == field
        assert error["message"]


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


def test_a_recreated_item_has_a_new_etag(client, item):
    client.delete(url_of(item))
    again = client.post("/news/", json=sent())
    assert again.json["id"] == item["id"]
    assert again.headers["ETag"] != etag(item)
    assert_problem(client.put(url_of(item), json=sent(), headers={"If-Match": etag(item)}), 412)
    assert_problem(client.delete(url_of(item), headers={"If-Match": etag(item)}), 412)
    assert client.get(url_of(item), headers={"If-None-Match": etag(item)}).json == again.json


@pytest.mark.parametrize(
    "tags", ["{}", "*", " *\t", '"7", {}', '{},W/"2"', ',, {}\t,\t"," ,', "W/{0}, {0}", '"W/",{}', '"*", {}']
)
def test_if_match_with_the_etag_succeeds(client, item, tags):
    response = client.put(url_of(item), json=sent(), headers={"If-Match": tags.format(etag(item))})
    assert response.status_code == 200
    headers = {"If-Match": tags.format(response.headers["ETag"])}
    assert client.delete(url_of(item), headers=headers).status_code == 204


@pytest.mark.parametrize(
    "tags",
    [
        "W/{}",
        '"1"',
        '"2"',
        'W/"1"',
        '"x"',
        '""',
        '"*"',
        '"W/*"',
        '"-1"',
        '"١"',
        '"a,b", "c\\d"',
        '"' + "9" * 999 + '"',
    ],
)
def test_if_match_with_other_etags_returns_412(client, item, tags):
    headers = {"If-Match": tags.format(etag(item)).encode().decode("latin-1")}
    assert_problem(client.put(url_of(item), json=sent(), headers=headers), 412)
    assert_problem(client.delete(url_of(item), headers=headers), 412)
    assert client.get(url_of(item)).json == item


@pytest.mark.parametrize(
    "tags",
    [
        "1",
        "{unquoted}",
        '{unquoted}"',
        '"{unquoted}',
        "'{unquoted}'",
        "{}, {unquoted}",
        "{unquoted}, {}",
        "{} {}",
        "{}{}",
        "{};",
        "w/{}",
        "W/ {}",
        "W/",
        "W/*",
        "*, {}",
        "{}, *",
        "**",
        "",
        " ",
        ",",
        '"',
        '"""',
        '"a b"',
        '"a\tb"',
        '"a\x7fb"',
        '"\x00"',
        "null",
        '"a",' * 1000 + "b",
        ", " * 2000 + "b",
    ],
)
def test_a_malformed_if_match_returns_400(client, item, tags):
    tag = etag(item)
    headers = {"If-Match": tags.format(*[tag] * 2, unquoted=tag.strip('"'))}
    assert_problem(client.put(url_of(item), json=sent(), headers=headers), 400, "If-Match")
    assert_problem(client.delete(url_of(item), headers=headers), 400, "If-Match")
    assert client.get(url_of(item)).json == item


def test_replace_without_if_match_returns_428(client, item):
    assert_problem(client.put(url_of(item), json=sent()), 428)


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


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("x=1", "x"),
        ("limit=1&limit=1", "limit"),
        ("limit=1&x", "x"),
        ("=", ""),
        ("Limit=1", "Limit"),
        ("limit=", "limit"),
        ("cursor=%FF", "cursor"),
        ("category=%00", "category"),
        ("category=a%0A", "category"),
        ("source=%00", "source"),
        ("source=a%0D%0Ab", "source"),
        ("since=2026-01-01T00:00:00.0123456789Z", "since"),
    ],
)
def test_an_invalid_query_returns_400_with_the_field(client, query, field):
    assert_problem(client.get(f"/news/?{query}"), 400, field)


def test_routes_without_query_parameters_reject_all(client, item):
    assert_problem(client.get(url_of(item) + "?limit=1"), 400, "limit")
    assert_problem(client.post("/news/?limit=1", json=sent()), 400, "limit")
    assert_problem(client.put(url_of(item) + "?x=1", json=sent(), headers={"If-Match": "*"}), 400, "x")
    assert_problem(client.delete(url_of(item) + "?x=1"), 400, "x")
    assert client.get(url_of(item)).json == item


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "empty"),
        (b"{", 400, "truncated"),
        (b"{} {}", 400, "trailing"),
        (b"[" * 60_000, 400, "nested too deeply|truncated"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "nested too deeply"),
        (b'{"title": NaN}', 400, "invalid character"),
        (b'{"title": Infinity}', 400, "invalid character"),
        (b'{"title": "a", "title": "b"}', 400, 'duplicate key "title"'),
        (b'{"a": {"b": 1, "\\u0062": 2}}', 400, 'duplicate key "b"'),
        (b'{"title": "\\ud800"}', 400, "surrogate"),
        (b'{"title": "\xff"}', 400, "UTF-8"),
        (b"\xef\xbb\xbf{}", 400, "invalid character"),
        (b'{"title": 1e999}', 400, "range"),
        (b"x" * 65_537, 413, "65536 bytes"),
        (b"x" * 70_000, 413, "65536 bytes"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_not_json_is_rejected_with_the_reason(client, item, method, body, status, reason):
    target = url_of(item) if method == "PUT" else "/news/"
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    response = client.open(target, method=method, data=body, headers=headers)
    assert_problem(response, status)
    assert re.search(reason, response.json["detail"])


def test_a_duplicate_key_is_found_in_linear_time():
    """Quadratic time would be more than a minute."""
    keys = [f'"{number}": 0' for number in range(60_000)]
    started = time.process_time()
    with pytest.raises(ValueError, match='duplicate key "59999"'):
        parse_json(f"{{{','.join([*keys, keys[-1]])}}}".encode())
    assert time.process_time() - started < 5


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"text"', b"[{}]"])
def test_a_body_that_is_not_an_object_is_rejected(client, body):
    response = client.post("/news/", data=body, content_type="application/json")
    assert_problem(response, 400, "")
    assert "object" in response.json["detail"]


def test_a_body_of_the_maximum_size_is_accepted(client):
    body = b'{"title": 1}'.ljust(65_536)
    assert_problem(client.post("/news/", data=body, content_type="application/json"), 400, "title")


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "text/json"]
)
def test_another_content_type_returns_415(client, content_type):
    assert_problem(client.post("/news/", data=b"{}", content_type=content_type), 415)


def test_a_content_type_with_parameters_is_accepted(client):
    response = client.post("/news/", data=b"{}", content_type="Application/JSON; charset=utf-8")
    assert_problem(response, 400, "title")


class UnavailableDao(FakeDao):
    def find(self, *_):
        raise Unavailable("The database is unavailable; try again later.")

    page = ping = find


def test_an_unavailable_database_returns_503_with_retry_after():
    client = make_client(UnavailableDao())
    for target in ("/news/", "/news/00000000-0000-5000-8000-000000000001"):
        response = client.get(target)
        assert_problem(response, 503)
        assert response.headers["Retry-After"] == "2"


class BrokenDao(FakeDao):
    def find(self, news_id):
        raise RuntimeError("the secret of the dao")


def test_an_unexpected_error_returns_500_and_only_the_log_has_the_reason(caplog):
    response = make_client(BrokenDao()).get("/news/00000000-0000-5000-8000-000000000001")
    assert_problem(response, 500)
    assert "secret" not in response.text
    assert "the secret of the dao" in caplog.text
    assert response.json["request_id"] in caplog.text


def test_health_calls_no_service():
    assert make_client(UnavailableDao()).get("/health").json == {"status": "ok"}


def test_deep_health_pings_the_database(client):
    response = client.get("/health?deep=1")
    assert (response.status_code, response.json) == (200, {"status": "ok", "checks": {"dynamodb": "ok"}})
    response = make_client(UnavailableDao()).get("/health?deep=1")
    assert (response.status_code, response.json) == (
        503,
        {"status": "down", "checks": {"dynamodb": "unreachable"}},
    )


def test_deep_health_without_the_cache_is_degraded(dao):
    response = make_client(dao, redis_url=f"redis://127.0.0.1:{free_port()}/0").get("/health?deep=1")
    assert response.status_code == 200
    assert response.json == {"status": "degraded", "checks": {"redis": "unreachable", "dynamodb": "ok"}}


@pytest.mark.parametrize("query", ["deep=0", "deep=", "deep=1&deep=1", "x=1"])
def test_health_rejects_other_parameters(client, query):
    assert client.get(f"/health?{query}").status_code == 400


def test_the_log_level_is_set_from_the_settings(dao):
    before = logging.getLogger().level
    make_client(dao, log_level="ERROR")
    assert logging.getLogger().level == logging.ERROR
    logging.getLogger().setLevel(before)
