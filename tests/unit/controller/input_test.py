"""Invalid queries and bodies are rejected with the reason."""

import re
import sys
import time

import pytest

from shared.web.requests import parse_json
from support.controller_harness import assert_problem, url_of
from support.fakes import sent


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
        pytest.param(
            *(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "nested too deeply"),
            marks=pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python 3.14 parses this depth"),
        ),
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
