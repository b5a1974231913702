"""Lists of news: pages, filters and cursors."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import InvalidInput
from support.fakes import START, fields_of, sent


def every_page(news, **parameters):
    numbers, cursor = [], None
    while True:
        page = news.page(news.parse_query(parameters | ({"cursor": cursor} if cursor else {})))
        numbers += [int(item.url.rpartition("/")[2]) for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return numbers


@pytest.fixture
def ten(news):
    """A service with ten items, published a day apart, in two categories and three sources."""
    for n in range(10):
        moment = START + timedelta(days=n)
        news.create(
            sent(
                n,
                category=f"c{n % 2}",
                source=f"s{n % 3}",
                published_at=moment.isoformat().replace("+00:00", "Z"),
            )
        )
    return news


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"category": "c1"}, [9, 7, 5, 3, 1]),
        ({"source": "s0"}, [9, 6, 3, 0]),
        ({"category": "c0", "source": "s0"}, [6, 0]),
        ({"since": "2026-01-04T00:00:00Z"}, [9, 8, 7, 6, 5, 4, 3]),
        ({"until": "2026-01-04T00:00:00Z"}, [2, 1, 0]),
        ({"since": "2026-01-04T01:00:00+01:00", "until": "2026-01-06T00:00:00.000001Z"}, [5, 4, 3]),
        ({"since": "2026-01-04T00:00:00Z", "until": "2026-01-04T00:00:00Z"}, []),
        ({"category": "none"}, []),
    ],
)
@pytest.mark.parametrize("limit", ["1", "3", "100"])
def test_pages_contain_matching_items_newest_first(ten, parameters, expected, limit):
    assert every_page(ten, limit=limit, **parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "1000"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "+1"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "١٢"}, "limit"),
        ({"limit": "5\n"}, "limit"),
        ({"limit": "1.0"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"category": ""}, "category"),
        ({"category": "a b"}, "category"),
        ({"source": ""}, "source"),
        ({"source": "a\r\nb"}, "source"),
        ({"source": "x" * 101}, "source"),
        ({"category": "science\n"}, "category"),
        ({"since": "today"}, "since"),
        ({"since": "2026-01-01T00:00:00.0123456789Z"}, "since"),
        ({"until": "2026-01-01T00:00:61Z"}, "until"),
        ({"since": "2026-01-01"}, "since"),
        ({"since": "0001-01-01T00:00:00+01:00"}, "since"),
        ({"until": "9999-12-31T23:59:59-01:00"}, "until"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "x"}, "cursor"),
        ({"page": "2"}, "page"),
    ],
)
def test_an_invalid_parameter_is_named(news, parameters, field):
    with pytest.raises(InvalidInput) as error:
        news.parse_query(parameters)
    assert fields_of(error) == [field]


def test_equivalent_queries_are_equal(news):
    first = news.parse_query({"since": "2026-01-01T00:00:00Z", "limit": "20"})
    assert first == news.parse_query({"since": "2026-01-01T02:00:00+02:00"})
    assert first.filter.since == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_cursor_of_other_filters_is_rejected(ten):
    cursor = ten.page(ten.parse_query({"category": "c0", "limit": "1"})).next_cursor
    ten.parse_query({"category": "c0", "cursor": cursor, "limit": "7"})
    with pytest.raises(InvalidInput, match="other filters"):
        ten.parse_query({"category": "c1", "cursor": cursor})
