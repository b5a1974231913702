"""The cache keys of queries: equivalent ones share an entry, and none creates keys at will."""

import pytest
from msgspec.structs import asdict

from news.model import NewsFilter
from shared.pagination import encode
from support.cache_harness import make_app, x_cache
from support.fakes import sent

MANY = 1000


def test_the_link_to_the_next_page_is_cached_with_the_list(client):
    client.post("/news/", json=sent(2))
    first, second = client.get("/news/?limit=1"), client.get("/news/?limit=1")
    assert x_cache(second) == (200, "HIT")
    assert second.headers["Link"] == first.headers["Link"]


def test_each_path_prefix_has_its_own_links(client):
    client.post("/news/", json=sent(2))
    client.get("/news/?limit=1")
    other = client.get("/news/?limit=1", environ_overrides={"SCRIPT_NAME": "/dev"})
    assert x_cache(other) == (200, "MISS")
    assert other.headers["Link"].startswith("</dev/news/?")


MATCHING = {"category": "world", "source": "example.com", "published_at": "2026-06-01T00:00:00Z"}
SPELLINGS = [
    [
        "limit=1&since=2026-01-01T00:00:00Z",
        "since=2026-01-01T02:00:00%2B02:00&limit=1",
        "limit=1&since=2026-01-01T00:00:00.000Z",
        "%6cimit=1&since=2025-12-31T19:00:00.000000-05:00",
    ],
    ["limit=1&category=world&source=example.com", "source=example%2Ecom&category=%77orld&limit=1"],
    ["limit=1&until=2027-01-01T00:00:00Z", "limit=%31&until=2027-01-01T01:00:00%2B01:00&"],
]


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_the_same_query_gets_the_same_response_however_it_is_spelled(dao, valkey, clock, spellings):
    bodies, links = set(), set()
    for first in spellings:
        with valkey.client() as redis:
            redis.flushall()
        client = make_app(dao, valkey.url, clock).test_client()
        for number in range(2):
            client.post(
                "/news/",
                json=sent(
                    number, category="world", source="example.com", published_at="2026-06-01T00:00:00Z"
                ),
            )
        clock.seconds += 10
        for spelling in [first, *spellings]:
            response = client.get(f"/news/?{spelling}")
            bodies.add(response.data)
            links.add(response.headers["Link"])
            target = response.headers["Link"].partition(">")[0][1:]
            assert client.get(target).status_code == 200
    assert len(bodies) == len(links) == 1


def test_a_missing_item_creates_no_keys(client, keys):
    before = keys()
    for number in range(10):
        assert client.get(f"/news/{number}").status_code == 404
    assert keys() == before


def test_equivalent_queries_share_an_entry(client, dao):
    same = [
        "/news",
        "/news/",
        "/news/?limit=20",
        "/news/?limit=20&",
    ]
    assert [x_cache(client.get(url))[1] for url in same] == ["MISS", "HIT", "HIT", "HIT"]
    same = ["since=2026-01-01T02:00:00%2B02:00&limit=3", "limit=3&since=2026-01-01T00:00:00Z"]
    assert [x_cache(client.get(f"/news/?{query}"))[1] for query in same] == ["MISS", "HIT"]
    assert dao.loads == 2


def test_an_id_in_upper_case_shares_the_entry(client, dao, keys):
    assert x_cache(client.get(client.item)) == (200, "MISS")
    before = keys()
    upper = f"/news/{client.item.removeprefix('/news/').upper()}"
    assert x_cache(client.get(upper)) == (200, "HIT")
    assert (keys(), dao.loads) == (before, 1)


def test_different_queries_do_not_share_an_entry(client):
    others = ["", "limit=19", "category=science", "source=science", "since=2026-01-01T00:00:00Z"]
    others += ["until=2026-01-01T00:00:00Z", "category=Science"]
    assert [x_cache(client.get(f"/news/?{query}"))[1] for query in others] == ["MISS"] * len(others)


def test_unknown_parameters_create_no_keys(client, keys):
    client.get("/news/")
    before = keys()
    for number in range(MANY):
        junk = (f"junk{number}=1", f"limit=20&limit={number}", f"category=world&source=x&utm={number}")
        assert client.get(f"/news/?{junk[number % 3]}").status_code == 400
        assert client.get(f"{client.item}?junk={number}").status_code == 400
    assert keys() == before


def test_pages_after_a_cursor_create_no_keys(client, keys):
    before = keys()
    for number in range(MANY):
        sort_key = f"2026-01-01T00:00:00.{number:06}Z#00000000-0000-5000-8000-000000000000"
        cursor = encode(asdict(NewsFilter()), sort_key)
        assert x_cache(client.get(f"/news/?cursor={cursor}")) == (200, "BYPASS")
    assert keys() == before
