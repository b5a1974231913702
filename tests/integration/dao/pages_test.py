"""Pages of DynamoDB: empty, invalid and endless ones."""

import json

import pytest

from news.dao import NewsDao
from news.model import NewsFilter
from shared.errors import Unavailable
from support.dynamodb_proxy import StubResponse
from support.dynamodb_responses import JSON
from support.environment import settings_for
from support.fakes import stored


@pytest.fixture(scope="module")
def dao(proxied_dao):
    return proxied_dao


@pytest.mark.parametrize(
    "body", [b"{}", b'{"Count": 0, "ScannedCount": 0}', b'{"Items": []}', b'{"Items": null}']
)
def test_a_query_or_batch_response_without_required_members_is_unavailable(faulty, dao, body):
    """An import that read it as "no such items" would overwrite the items."""
    faulty.fault = lambda *_: StubResponse(200, body, JSON)
    for call in (lambda: dao.page(NewsFilter(), None, 5), lambda: dao.find_many([stored(1).id])):
        with pytest.raises(Unavailable):
            call()


@pytest.mark.parametrize("item", ["{}", '{"sort": {"N": "1"}}', '{"sort": {"S": 1}}', '{"id": {"S": "a"}}'])
def test_an_index_item_without_a_sort_key_is_unavailable(faulty, dao, item):
    body = f'{{"Items": [{item}, {item}], "Count": 2, "ScannedCount": 2}}'
    faulty.fault = lambda *_: StubResponse(200, body.encode(), JSON)
    with pytest.raises(Unavailable):
        dao.page(NewsFilter(), None, 5)


def test_an_invalid_page_within_a_list_is_unavailable(faulty, dao):
    dao.add_many([stored(n) for n in range(12)])
    faulty.operations.clear()
    faulty.fault = lambda *_: StubResponse(200, b"", JSON) if len(faulty.operations) > 2 else None
    lists = NewsDao(settings_for(faulty.url, tables={"news": dao._table_name}, feed_shards=4))
    with pytest.raises(Unavailable):
        lists.page(NewsFilter(), None, 5)


def page_of(numbers, **more):
    items = [item_of(number) for number in numbers]
    body = {"Items": items, "Count": len(items), "ScannedCount": len(items)} | more
    return StubResponse(200, json.dumps(body).encode(), JSON)


def item_of(number):
    time = f"2026-01-01T00:00:{number:02d}.000000Z"
    item_id = stored(number).id
    texts = {
        "id": item_id,
        "title": "T",
        "url": "https://e/",
        "source": "s",
        "category": "c",
        "feed": "all#0",
    }
    texts |= {"sort": f"{time}#{item_id}", "published_at": time, "created_at": time, "updated_at": time}
    return {name: {"S": text} for name, text in texts.items()} | {"version": {"N": "1"}}


KEY = {"feed": {"S": "all#0"}, "sort": {"S": "x"}, "id": {"S": "y"}}


@pytest.mark.parametrize("last", [{}, None])
def test_an_empty_last_evaluated_key_ends_the_list(faulty, dao, last):
    faulty.fault = lambda *_: page_of([3, 2], LastEvaluatedKey=last)
    items, after = dao.page(NewsFilter(), None, 3)
    assert ([item.id for item in items], after) == ([stored(3).id, stored(2).id], None)
    assert faulty.operations == ["Query"]


def test_empty_pages_before_items_are_skipped(faulty, dao):
    pages = iter([page_of([], LastEvaluatedKey=KEY), page_of([], LastEvaluatedKey=KEY), page_of([3, 2])])
    faulty.fault = lambda *_: next(pages)
    assert [item.id for item in dao.page(NewsFilter(), None, 3).items] == [stored(3).id, stored(2).id]


def test_endless_empty_pages_are_unavailable(faulty, dao):
    faulty.fault = lambda *_: page_of([], LastEvaluatedKey=KEY)
    with pytest.raises(Unavailable):
        dao.page(NewsFilter(), None, 3)
    assert len(faulty.operations) < 20
