"""The maximum number of items that a page of a list reads, counted by a proxy in front of DynamoDB."""

import pytest

from news.dao import NewsDao
from news.model import NewsFilter, sort_key
from support.environment import settings_for
from support.fakes import stored
from tools.local.tables import create_tables

MAX_LIMIT = 100


def fill(proxy, items, shards=1):
    settings = settings_for(proxy.url, feed_shards=shards)
    create_tables(settings)
    dao = NewsDao(settings)
    for start in range(0, len(items), 25):
        dao.add_many(items[start : start + 25])
    return settings


def read(proxy, dao, wanted, limit):
    """Return all items of a list, and the items read and the calls of each page."""
    found, costs, after = [], [], None
    while True:
        proxy.items_read, calls = 0, len(proxy.operations)
        items, after = dao.page(wanted, after, limit)
        found += items
        costs.append((proxy.items_read, len(proxy.operations) - calls))
        if after is None:
            return found, costs


def newest_first(items):
    return sorted(items, key=sort_key, reverse=True)


@pytest.mark.parametrize(
    ("category", "limit"),
    [("unused", 1), ("rare", 1), ("rare", 20), ("common", 100)],
)
def test_a_page_with_both_filters_reads_101_items_at_most(proxy, category, limit):
    items = [stored(n, source="s", category="rare" if n % 90 == 7 else "common") for n in range(250)]
    dao = NewsDao(fill(proxy, items))
    found, costs = read(proxy, dao, NewsFilter(source="s", category=category), limit)
    assert found == [item for item in newest_first(items) if item.category == category]
    assert max(items_read for items_read, _ in costs) <= 101
    if category != "common":
        assert len(costs) <= 3 + len(found) // limit


@pytest.mark.parametrize("wanted", [NewsFilter(), NewsFilter(source="s"), NewsFilter(category="c")])
def test_a_page_with_one_filter_reads_its_limit_plus_one(proxy, wanted):
    items = [stored(n, source="s", category="c") for n in range(45)]
    dao = NewsDao(fill(proxy, items))
    found, costs = read(proxy, dao, wanted, 20)
    assert found == newest_first(items)
    assert costs == [(21, 1), (21, 1), (5, 1)]


@pytest.mark.parametrize(("shards", "limit"), [(2, 20), (16, 20), (64, 100)])
def test_a_page_of_many_shards_reads_few_extra_items(proxy, shards, limit):
    items = [stored(n) for n in range(2 * limit + 5)]
    dao = NewsDao(fill(proxy, items, shards))
    found, costs = read(proxy, dao, NewsFilter(), limit)
    assert found == newest_first(items)
    for items_read, calls in costs:
        assert items_read <= 3 * (limit + 1) + 3 * shards
        assert calls <= 1.2 * shards + 1


@pytest.mark.parametrize("limit", [20, MAX_LIMIT])
def test_a_page_whose_items_are_all_in_one_shard_is_bounded(proxy, limit):
    """As after FEED_SHARDS was raised: older items stay in the shard they were written to."""
    items = [stored(n) for n in range(limit + 30)]
    settings = fill(proxy, items)
    dao = NewsDao(settings_for(proxy.url, tables=settings.tables, feed_shards=16))
    found, costs = read(proxy, dao, NewsFilter(), limit)
    assert found == newest_first(items)
    for items_read, calls in costs:
        assert items_read <= limit + 1 + MAX_LIMIT
        assert calls <= 16 + 6
