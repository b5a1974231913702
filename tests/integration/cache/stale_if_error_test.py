"""Stale entries are served while the database is unavailable."""

import pytest

from shared.errors import Unavailable
from support.cache_harness import during_next_load, x_cache


@pytest.fixture
def stale_entry(client, clock, url):
    """The URL of an entry that is no longer fresh."""
    client.get(url)
    clock.seconds += 300
    return url


def test_a_stale_entry_is_served_while_the_database_is_unavailable(client, dao, clock, stale_entry):
    dao.is_down = True
    response = client.get(stale_entry)
    assert x_cache(response) == (200, "HIT")
    assert response.headers["Age"] == "300"
    dao.is_down = False
    assert x_cache(client.get(stale_entry)) == (200, "MISS")


def test_a_stale_entry_is_served_for_ten_minutes_at_most(client, dao, clock, stale_entry):
    dao.is_down = True
    clock.seconds += 299
    assert client.get(stale_entry).status_code == 200
    clock.seconds += 2
    assert client.get(stale_entry).status_code == 503


def test_a_deleted_item_is_not_served_while_the_database_is_unavailable(client, dao, stale_entry):
    client.delete(client.item)
    dao.is_down = True
    assert client.get(stale_entry).status_code == 503


def test_an_item_deleted_during_a_failing_load_is_not_served(client, other, dao, stale_entry):
    def fail():
        other.delete(client.item)
        raise Unavailable("The database timed out.")

    during_next_load(dao, fail)
    assert client.get(stale_entry).status_code == 503


def test_an_unexpected_error_is_not_hidden_by_a_stale_entry(client, dao, stale_entry):
    def fail():
        raise ZeroDivisionError

    dao.on_loaded = fail
    assert client.get(stale_entry).status_code == 500
