"""Tests of the news service, with a fake DAO."""

import uuid

import pytest

from news.service import BulkResult, NewsService
from shared.errors import Conflict, InvalidInput, NotFound, Stale
from shared.web.requests import AnyRevision
from support.fakes import START, FakeDao, clock, fields_of, sent


@pytest.fixture
def dao():
    return FakeDao()


@pytest.fixture
def news(dao):
    return NewsService(dao, now=clock())


def test_create_stores_the_item_with_the_fields_of_the_service(news, dao):
    item, is_new = news.create(sent(summary="short"))
    assert is_new
    assert dao.items == {item.id: item}
    assert item.id == str(uuid.uuid5(uuid.NAMESPACE_URL, "https://example.com/1"))
    assert item.published_at == item.created_at == item.updated_at == START
    assert (item.version, item.summary) == (1, "short")


def test_create_of_an_existing_item_changes_nothing(news, dao):
    first, _ = news.create(sent())
    again, is_new = news.create(sent())
    assert (again, is_new) == (first, False)
    assert dao.items == {first.id: first}


def test_create_of_the_same_item_published_in_another_time_zone_changes_nothing(news):
    first, _ = news.create(sent(published_at="2026-01-01T12:00:00Z"))
    again, is_new = news.create(sent(published_at="2026-01-01T14:00:00+02:00"))
    assert (again, is_new) == (first, False)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "B"},
        {"source": "b"},
        {"category": "b"},
        {"summary": "b"},
        {"published_at": "2026-02-01T00:00:00Z"},
    ],
)
def test_create_with_the_url_of_another_item_is_a_conflict(news, change):
    news.create(sent())
    with pytest.raises(Conflict, match="A different item with this url exists"):
        news.create(sent(**change))


@pytest.mark.parametrize("news_id", ["", "x", "0" * 36, "00000000-0000-5000-8000-000000000001"])
def test_get_of_a_missing_item_is_not_found(news, news_id):
    with pytest.raises(NotFound):
        news.get(news_id)


def test_replace_sets_a_new_version_and_keeps_fixed_fields(news, dao):
    first, _ = news.create(sent(summary="old"))
    second = news.replace(first.id, sent(title="New"), {first.revision})
    assert dao.items == {first.id: second}
    assert (second.version, second.title, second.summary) == (2, "New", None)
    assert (second.url, second.created_at) == (first.url, first.created_at)
    assert second.updated_at > first.updated_at


def test_replace_without_published_at_sets_the_time_of_creation(news):
    first, _ = news.create(sent(published_at="2020-01-01T00:00:00Z"))
    assert news.replace(first.id, sent(), {first.revision}).published_at == first.created_at


def test_replace_accepts_a_missing_url(news):
    first, _ = news.create(sent())
    data = sent()
    del data["url"]
    assert news.replace(first.id, data, {first.revision}).url == first.url


@pytest.mark.parametrize(
    ("change", "field"), [({"url": "https://b.c/"}, "url"), ({"url": None}, "url"), ({"x": 1}, "x")]
)
def test_replace_with_an_invalid_field_with_if_match(news, change, field):
    first, _ = news.create(sent())
    with pytest.raises(InvalidInput) as error:
        news.replace(first.id, sent(**change), {first.revision})
    assert fields_of(error) == [field]


def test_replace_of_another_version_is_stale(news):
    first, _ = news.create(sent())
    news.replace(first.id, sent(), {first.revision})
    with pytest.raises(Stale):
        news.replace(first.id, sent(), {first.revision})
    with pytest.raises(Stale):
        news.replace(first.id, sent(), set())


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_ids_match_in_upper_and_lower_case(news, dao, change):
    first, _ = news.create(sent())
    assert news.get(change(first.id)) == first
    second = news.replace(change(first.id), sent(title="New"), {first.revision})
    assert dao.items == {first.id: second}
    news.delete(change(first.id), {second.revision})
    assert not dao.items


def test_replace_of_a_missing_item_is_not_found(news):
    with pytest.raises(NotFound):
        news.replace("00000000-0000-5000-8000-000000000001", sent(), AnyRevision())


@pytest.mark.parametrize("with_if_match", [False, True])
def test_delete_removes_the_item(news, dao, with_if_match):
    item, _ = news.create(sent())
    expected = {item.revision} if with_if_match else None
    news.delete(item.id, expected)
    assert not dao.items
    with pytest.raises(NotFound):
        news.delete(item.id, expected)


def test_delete_of_another_version_is_stale(news, dao):
    item, _ = news.create(sent())
    with pytest.raises(Stale):
        news.delete(item.id, {f"2{item.revision[1:]}"})
    assert dao.items


def test_create_many_counts_created_existing_and_rejected_items(news, dao):
    news.create(sent(1))
    result = news.create_many([sent(1), sent(2), sent(2, title="B"), sent(3, title=""), 5, sent(4)])
    assert (result.created, result.existing) == (2, 2)
    assert result.rejected.keys() == {3, 4}
    assert "title" in result.rejected[3]
    assert sorted(item.url[-1] for item in dao.items.values()) == ["1", "2", "4"]
    assert {item.title for item in dao.items.values()} == {"Title 1", "Title 2", "Title 4"}


def test_create_many_of_nothing_does_nothing(news):
    assert news.create_many([]) == BulkResult(0, 0, {})
