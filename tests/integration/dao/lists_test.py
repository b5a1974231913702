"""Pages of lists, on moto and MiniStack."""

import pytest

from news.dao import MAX_EXAMINED, NewsDao
from news.model import NewsFilter, sort_key
from news.table import NewsRecord
from shared.dynamodb.tables import bind
from support.environment import settings_for
from support.fakes import newest_first, stored
from tools.local.tables import create_tables

EVERYTHING = NewsFilter()


def every_page(dao, wanted, limit):
    found, pages, after = [], 0, None
    while True:
        items, after = dao.page(wanted, after, limit)
        assert len(items) <= limit
        found, pages = found + items, pages + 1
        if after is None:
            return found, pages


@pytest.fixture
def sixty(dao):
    """Sixty items in two categories and three sources, three items per publication time."""
    items = [
        stored(n, published_at=stored(n // 3).published_at, category=f"c{n % 2}", source=f"s{n % 3}")
        for n in range(60)
    ]
    for start in range(0, 60, 25):
        dao.add_many(items[start : start + 25])
    return items


@pytest.mark.parametrize("limit", [1, 7, 20, 59, 60, 61])
def test_pages_contain_every_item_once_newest_first(dao, sixty, limit):
    found, pages = every_page(dao, EVERYTHING, limit)
    assert found == newest_first(sixty)
    assert pages == -(-60 // limit)


@pytest.mark.parametrize(
    "wanted",
    [
        NewsFilter(category="c1"),
        NewsFilter(source="s2"),
        NewsFilter(category="c1", source="s2"),
        NewsFilter(since=stored(5).published_at),
        NewsFilter(until=stored(5).published_at),
        NewsFilter(category="c0", since=stored(5).published_at, until=stored(9).published_at),
        NewsFilter(since=stored(5).published_at, until=stored(5).published_at),
    ],
)
def test_pages_of_a_filter_contain_the_matching_items(dao, sixty, wanted):
    expected = [
        item
        for item in newest_first(sixty)
        if wanted.category in {None, item.category}
        and wanted.source in {None, item.source}
        and (wanted.since is None or item.published_at >= wanted.since)
        and (wanted.until is None or item.published_at < wanted.until)
    ]
    assert every_page(dao, wanted, 4)[0] == expected


def test_a_page_after_the_last_match_is_empty(dao, sixty):
    assert dao.page(NewsFilter(since=stored(5).published_at), sort_key(stored(1)), 5) == ([], None)


def test_pages_continue_after_a_deleted_item(dao, sixty):
    first, after = dao.page(EVERYTHING, None, 10)
    dao.delete(first[-1].id, None)
    dao.delete(first[0].id, None)
    dao.add(stored(61))
    rest = [dao.page(EVERYTHING, after, 60).items]
    assert rest == [newest_first(sixty)[10:]]


def test_a_list_across_shards_is_in_order(settings, sixty):
    """FEED_SHARDS grows from 1 to 5, and earlier items stay in the first shard."""
    dao = NewsDao(settings_for(settings.dynamodb_endpoint, tables=settings.tables, feed_shards=5))
    more = [stored(n) for n in range(100, 125)]
    dao.add_many(more)
    table = bind(NewsRecord, settings.table("news"), settings)
    shards = {row.feed for row in table.batch_get([item.id for item in more])}
    assert len(shards) == 5
    assert every_page(dao, EVERYTHING, 7)[0] == newest_first(sixty + more)


def test_a_page_with_rare_matches_is_short_and_has_a_next_page(ministack_url):
    settings = settings_for(ministack_url)
    create_tables(settings)
    dao = NewsDao(settings)
    others = [stored(n, source="s", category="common") for n in range(2, MAX_EXAMINED + 52)]
    for start in range(0, len(others), 25):
        dao.add_many(others[start : start + 25])
    rare = stored(1, source="s", category="rare")
    dao.add(rare)
    wanted = NewsFilter(category="rare", source="s")
    items, after = dao.page(wanted, None, 10)
    assert items == []
    assert dao.page(wanted, after, 10) == ([rare], None)
