"""Malformed items, written by hand or by another program: omitted from lists, logged, and deletable."""

import pytest

from news.controller import setup_route
from news.dao import NewsDao
from news.model import NewsFilter
from news.service import NewsService
from shared.app import create_app
from shared.errors import Conflict, Stale, UnreadableItem
from support.environment import settings_for
from support.fakes import sent, stored
from tools.local.tables import create_tables

GONE = object()
SECRET = "not for the log"

UNREADABLE = {
    "no title": {"title": GONE},
    "title is a number": {"title": {"N": "5"}},
    "title is NULL": {"title": {"NULL": True}},
    "title is a list": {"title": {"L": [{"S": SECRET}]}},
    "no url": {"url": GONE},
    "summary is a number": {"summary": {"N": "5"}},
    "version is a text": {"version": {"S": SECRET}},
    "no version": {"version": GONE},
    "version is a fraction": {"version": {"N": "1.5"}},
    "version is 0": {"version": {"N": "0"}},
    "version is negative": {"version": {"N": "-1"}},
    "version is too large for JSON": {"version": {"N": "99999999999999999999999999"}},
    "no created_at": {"created_at": GONE},
    "published_at without zone": {"published_at": {"S": "2026-01-02T00:00:00"}},
    "published_at is a date": {"published_at": {"S": "2026-01-02"}},
    "published_at is a Unix time": {"published_at": {"N": "1767312000"}},
    "published_at is words": {"published_at": {"S": SECRET}},
    "updated_at is empty": {"updated_at": {"S": ""}},
    "updated_at is before the year 1": {"updated_at": {"S": "0001-01-01T00:00:00+23:00"}},
}

READABLE = {
    "summary is NULL": {"summary": {"NULL": True}},
    "another attribute": {"ttl": {"N": "1"}, "tags": {"SS": ["a"]}},
    "a time with an offset": {"published_at": {"S": "2026-01-01T01:02:00+01:00"}},
}


@pytest.fixture(scope="module")
def dao(moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    dao = NewsDao(settings)
    dao.add_many([stored(n) for n in (1, 2, 3)])
    return dao


@pytest.fixture
def edit(dao):
    """Return a function that changes attributes of item 2 without the DAO."""
    client = dao._table._get_connection().connection.client

    def edit(changes):
        item = dao._record(stored(2)).serialize() | changes
        item = {name: value for name, value in item.items() if value is not GONE}
        client.put_item(TableName=dao._table_name, Item=item)

    yield edit
    edit({})


def lists(dao):
    filters = [NewsFilter(), NewsFilter(category="science"), NewsFilter(source="example.com")]
    return [dao.page(each, None, 10) for each in filters]


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_item_is_omitted_from_lists_and_named_in_the_log(dao, edit, changes, caplog):
    edit(changes)
    assert lists(dao) == [([stored(3), stored(1)], None)] * 3
    assert stored(2).id in caplog.text
    assert next(iter(changes)) in caplog.text
    assert SECRET not in caplog.text
    assert dao.page(NewsFilter(), None, 1).last_key is not None
    with pytest.raises(UnreadableItem):
        dao.find(stored(2).id)


@pytest.mark.parametrize("changes", READABLE.values(), ids=READABLE)
def test_a_readable_item_is_returned(dao, edit, changes):
    edit(changes)
    assert lists(dao) == [([stored(3), stored(2), stored(1)], None)] * 3
    assert dao.find(stored(2).id) == stored(2)


def test_pages_continue_past_unreadable_items_and_malformed_sort_keys(dao, edit):
    for changes in ({"title": GONE}, {"sort": {"S": "2026-01-01 00:02"}}):
        edit(changes)
        found, after = [], None
        for _ in range(5):
            items, after = dao.page(NewsFilter(), after, 1)
            found += items
            if after is None:
                break
        assert {stored(1), stored(3)} <= set(found)
        assert len(found) == len(set(found))
        assert after is None


def dao_with_edited_items(endpoint, changes):
    """Return the DAO of a new table with 130 items, whose attributes `changes` replaces by item number."""
    settings = settings_for(endpoint)
    create_tables(settings)
    dao = NewsDao(settings)
    client = dao._table._get_connection().connection.client
    for number in range(130):
        item = dao._record(stored(number + 2)).serialize()
        client.put_item(TableName=settings.table("news"), Item=item | changes(number))
    return dao


def test_a_page_of_unreadable_items_ends_after_a_bounded_number(moto_url):
    dao = dao_with_edited_items(moto_url, lambda _: {"version": {"S": "x"}})
    dao.add(stored(1))
    items, after = dao.page(NewsFilter(), None, 5)
    assert items == []
    assert dao.page(NewsFilter(), after, 5) == ([stored(1)], None)


def test_a_list_without_a_valid_sort_key_fails_instead_of_ending_early(moto_url):
    dao = dao_with_edited_items(moto_url, lambda number: {"sort": {"S": f"2026-{number}"}})
    with pytest.raises(UnreadableItem):
        dao.page(NewsFilter(), None, 100)


@pytest.fixture
def client(dao):
    app = create_app(settings_for("http://127.0.0.1:1"))
    setup_route(app, NewsService(dao))
    return app.test_client()


def test_get_of_an_unreadable_item_is_an_error_that_names_it(client, edit):
    edit({"title": GONE})
    response = client.get(f"/news/{stored(2).id}")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert stored(2).id in response.json["detail"]
    assert [item["id"] for item in client.get("/news/").json["items"]] == [stored(3).id, stored(1).id]


def test_an_unreadable_item_can_be_deleted(dao, edit):
    edit({"version": GONE, "title": GONE})
    NewsService(dao).delete(stored(2).id)
    assert dao.find(stored(2).id) is None


@pytest.mark.parametrize("expected", [{1}, range(1, 100), set()])
def test_an_unreadable_item_matches_no_version(dao, edit, expected):
    edit({"title": GONE})
    service = NewsService(dao)
    with pytest.raises(Stale):
        service.delete(stored(2).id, expected)
    replacement = {name: value for name, value in sent(2).items() if name != "url"}
    with pytest.raises(Stale):
        service.replace(stored(2).id, replacement, expected)
    with pytest.raises(UnreadableItem):
        dao.find(stored(2).id)


def test_the_url_of_an_unreadable_item_remains_in_use(moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    dao = NewsDao(settings)
    service = NewsService(dao)
    item, _ = service.create(sent(1))
    row = dao._record(item).serialize()
    del row["title"]
    dao._table._get_connection().connection.client.put_item(TableName=settings.table("news"), Item=row)
    with pytest.raises(Conflict):
        service.create(sent(1))
    with pytest.raises(UnreadableItem):  # an import does not overwrite it
        service.create_many([sent(1), sent(2)])
    service.delete(item.id)
    assert service.create(sent(1))[1]
