"""Races and retries: no update is lost, and a request succeeds despite its own retry."""

from datetime import timedelta

import msgspec
import pytest

from news.service import NewsService
from shared.errors import Conflict, NotFound, Stale
from shared.web.requests import AnyRevision
from support.fakes import START, RetryingDao, clock, sent


def lose_race(*_):
    raise Stale("changed concurrently")


def test_create_that_conflicts_with_its_own_retry_succeeds():
    item, is_new = NewsService(RetryingDao(), now=clock()).create(sent())
    assert is_new
    assert item.created_at == START


def test_create_is_a_conflict_if_the_other_item_is_deleted_meanwhile(news, dao):
    news.create(sent())
    dao.find = lambda _: None
    with pytest.raises(Conflict):
        news.create(sent())


def test_a_recreated_item_has_a_new_revision(news, dao):
    first, _ = news.create(sent())
    news.delete(first.id)
    again, _ = news.create(sent())
    assert (again.id, again.version) == (first.id, first.version)
    assert again.revision != first.revision
    with pytest.raises(Stale):
        news.replace(first.id, sent(title="New"), {first.revision})
    with pytest.raises(Stale):
        news.delete(first.id, {first.revision})
    assert dao.items == {again.id: again}


def test_an_item_recreated_between_read_and_write_is_not_overwritten(news, dao):
    first, _ = news.create(sent())
    again = msgspec.structs.replace(first, created_at=first.created_at + timedelta(seconds=1), title="Again")
    find = dao.find

    def find_and_create_again(news_id):
        item, dao.items[news_id] = find(news_id), again
        return item

    for change in (
        lambda: news.replace(first.id, sent(), AnyRevision()),
        lambda: news.delete(first.id, AnyRevision()),
    ):
        dao.items[first.id], dao.find = first, find_and_create_again
        with pytest.raises(Stale):
            change()
        assert dao.items == {first.id: again}


def test_replace_that_loses_a_race_is_stale(news, dao):
    first, _ = news.create(sent())
    dao.replace = lose_race
    with pytest.raises(Stale):
        news.replace(first.id, sent(), {first.revision})


def test_replace_that_conflicts_with_its_own_retry_succeeds():
    news = NewsService(RetryingDao(), now=clock())
    first, _ = news.create(sent())
    assert news.replace(first.id, sent(title="New"), {first.revision}) == news.get(first.id)


def test_delete_that_loses_a_race_to_a_change_is_stale(news, dao):
    item, _ = news.create(sent())
    dao.delete = lose_race
    with pytest.raises(Stale):
        news.delete(item.id, {item.revision})


def test_delete_that_conflicts_with_its_own_retry_succeeds():
    news = NewsService(RetryingDao(), now=clock())
    item, _ = news.create(sent())
    news.delete(item.id, {item.revision})
    with pytest.raises(NotFound):
        news.get(item.id)
