"""The DAO of news, on moto, and on MiniStack for races and paging."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from news.dao import NewsDao
from news.model import NewsFilter
from shared.errors import Conflict, Stale, Unavailable
from support.environment import settings_for
from support.fakes import newest_first, stored
from tools.local.tables import create_tables

EVERYTHING = NewsFilter()


def test_add_stores_an_item_that_find_returns(dao):
    item = stored(1, summary="short")
    dao.add(item)
    assert dao.find(item.id) == item
    assert dao.find(stored(2).id) is None


@pytest.mark.parametrize(
    "change",
    [
        {"published_at": datetime(1, 1, 1, tzinfo=UTC)},
        {"published_at": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
        {"summary": ""},
        {"title": "\x00\x80 \U0001f600"},
    ],
)
def test_extreme_values_are_stored_unchanged(dao, change):
    item = stored(1, **change)
    dao.add(item)
    assert dao.find(item.id) == item
    assert dao.page(EVERYTHING, None, 1) == ([item], None)


def test_add_of_an_id_that_exists_is_a_conflict_and_changes_nothing(dao):
    dao.add(stored(1))
    with pytest.raises(Conflict):
        dao.add(stored(1, title="Other"))
    assert dao.find(stored(1).id) == stored(1)


def test_replace_stores_the_next_version(dao):
    dao.add(stored(1, summary="old", category="old"))
    item = stored(1, version=2, category="new")
    dao.replace(item)
    assert dao.find(item.id) == item
    assert dao.page(NewsFilter(category="new"), None, 5).items == [item]
    assert dao.page(NewsFilter(category="old"), None, 5).items == []


@pytest.mark.parametrize("version", [1, 3])
def test_replace_of_another_version_is_stale_and_changes_nothing(dao, version):
    dao.add(stored(1))
    with pytest.raises(Stale):
        dao.replace(stored(1, version=version, title="Other"))
    assert dao.find(stored(1).id) == stored(1)


def test_replace_of_an_item_created_again_is_stale_and_changes_nothing(dao):
    dao.add(stored(1))
    dao.delete(stored(1).id, None)
    again = stored(1, created_at=stored(1).created_at + timedelta(microseconds=1), title="Again")
    dao.add(again)
    with pytest.raises(Stale):
        dao.replace(stored(1, version=2, title="Other"))
    assert dao.find(again.id) == again


def test_replace_of_a_missing_item_is_stale_and_creates_nothing(dao):
    with pytest.raises(Stale):
        dao.replace(stored(1, version=2))
    assert dao.find(stored(1).id) is None


@pytest.mark.parametrize("state", [None, stored(1)])
def test_remove_deletes_the_item_from_the_table_and_the_indexes(dao, state):
    dao.add(stored(1))
    dao.delete(stored(1).id, state)
    assert dao.find(stored(1).id) is None
    assert dao.page(EVERYTHING, None, 5) == ([], None)
    with pytest.raises(Stale):
        dao.delete(stored(1).id, state)


@pytest.mark.parametrize("change", [{"version": 2}, {"created_at": stored(2).created_at}])
def test_remove_of_another_state_is_stale(dao, change):
    dao.add(stored(1))
    with pytest.raises(Stale):
        dao.delete(stored(1).id, stored(1, **change))
    assert dao.find(stored(1).id) == stored(1)


def test_find_many_returns_the_items_that_exist(dao):
    items = [stored(n) for n in range(25)]
    dao.add_many(items)
    found = dao.find_many([item.id for item in items] + [stored(99).id])
    assert newest_first(found) == newest_first(items)


def test_concurrent_writers_lose_no_update(ministack_url):
    settings = settings_for(ministack_url)
    create_tables(settings)
    dao = NewsDao(settings)
    dao.add(stored(1))

    def write(writer):
        done = []
        for _ in range(20):
            before = dao.find(stored(1).id)
            after = msgspec.structs.replace(before, version=before.version + 1, title=f"writer {writer}")
            try:
                dao.replace(after)
            except Stale:
                continue
            done.append(after.version)
        return done

    with ThreadPoolExecutor(8) as pool:
        versions = sorted(version for done in pool.map(write, range(8)) for version in done)
    assert versions == list(range(2, len(versions) + 2))
    assert dao.find(stored(1).id).version == versions[-1]


def test_concurrent_creates_store_an_item_once(dao):
    """Also on moto: its conditional writes are not atomic, but one thread serves its requests."""
    start = threading.Barrier(8)

    def add(writer):
        start.wait()
        created = 0
        for number in range(40):
            with contextlib.suppress(Conflict):
                dao.add(stored(number, title=f"writer {writer}"))
                created += 1
        return created

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(8))) == 40


def test_a_missing_table_is_unavailable_and_named_in_the_log(moto_url, caplog):
    settings = settings_for(moto_url)
    with pytest.raises(Unavailable):
        NewsDao(settings).find(stored(1).id)
    with pytest.raises(Unavailable):
        NewsDao(settings).page(EVERYTHING, None, 5)
    assert f"table {settings.table('news')} does not exist" in caplog.text
    assert "make create-tables" in caplog.text


def test_an_error_caused_by_the_caller_is_not_unavailable(moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    with pytest.raises(Exception, match="empty string") as error:
        NewsDao(settings).find("")
    assert not isinstance(error.value, Unavailable)
