"""Cache freshness, invalidation and single flight, on a real Valkey."""

from itertools import permutations

import pytest

from support.cache_harness import GENERATION, change, during_next_load, x_cache


def test_an_entry_is_served_for_a_minute_and_refreshed_shortly_before(client, clock, dao, url):
    client.get(url)
    clock.seconds += 56.9
    assert x_cache(client.get(url)) == (200, "HIT")
    clock.seconds += 0.2
    assert x_cache(client.get(url)) == (200, "MISS")
    clock.seconds += 56.9
    assert x_cache(client.get(url)) == (200, "HIT")
    clock.seconds += 3.2
    assert x_cache(client.get(url)) == (200, "MISS")
    assert dao.loads == 3


@pytest.mark.parametrize(("after_the_write", "fresh"), [(0, 0.9), (1.9, 0.9), (2.1, 50)])
def test_an_entry_loaded_just_after_a_write_is_served_for_one_second(
    client, clock, url, after_the_write, fresh
):
    change(client, "New")
    clock.seconds += after_the_write
    client.get(url)
    clock.seconds += fresh
    assert x_cache(client.get(url)) == (200, "HIT")
    clock.seconds += 0.2
    assert x_cache(client.get(url))[1] == ("HIT" if fresh == 50 else "MISS")


@pytest.mark.parametrize("lag", [0.3, 0.9])
def test_a_list_from_a_lagging_index_is_stale_for_about_a_second(client, clock, dao, lag):
    client.get("/news/")
    old, written_at = dict(dao.items), clock.seconds
    change(client, "New")
    visible_after = None
    real_page = dao.page

    def lagging_page(*arguments):
        now, dao.items = dao.items, old if clock.seconds < written_at + lag else dao.items
        try:
            return real_page(*arguments)
        finally:
            dao.items = now

    dao.page = lagging_page
    while visible_after is None:
        if client.get("/news/").json["items"][0]["title"] == "New":
            visible_after = clock.seconds - written_at
        clock.seconds += 0.05
    assert visible_after <= lag + 1.06
    clock.seconds += 70
    assert client.get("/news/").json["items"][0]["title"] == "New"


def test_an_entry_from_the_future_is_not_served(client, clock, url):
    clock.seconds += 3600
    client.get(url)
    clock.seconds -= 3600
    assert x_cache(client.get(url)) == (200, "MISS")


def test_a_response_loaded_before_a_write_is_not_served_after_it(client, other, dao, url):
    during_next_load(dao, lambda: change(client, "New"))
    assert b"New" not in other.get(url).data
    response = other.get(url)
    assert x_cache(response) == (200, "MISS")
    assert b"New" in response.data


@pytest.mark.parametrize("evict", [f"DEL {GENERATION}", "FLUSHALL"])
@pytest.mark.parametrize("steps", list(permutations(["evict", "read", "write"])))
def test_a_load_during_an_eviction_and_a_write_is_not_served_again(
    client, other, dao, redis, url, steps, evict
):
    acts = {
        "evict": lambda: redis.execute_command(*evict.split()),
        "read": lambda: other.get("/news/?limit=77"),  # sets a generation if it is missing
        "write": lambda: change(client, "New"),
    }
    during_next_load(dao, lambda: [acts[step]() for step in steps])
    assert b"New" not in client.get(url).data
    assert b"New" in other.get(url).data


@pytest.mark.parametrize("evict", [f"DEL {GENERATION}", "FLUSHALL"])
def test_a_load_started_without_a_generation_is_invalid_after_a_write(client, other, dao, redis, url, evict):
    redis.execute_command(*evict.split())
    during_next_load(dao, lambda: change(client, "New"))
    assert b"New" not in client.get(url).data
    assert b"New" in other.get(url).data


def test_entries_stay_invalid_after_the_generation_is_evicted(client, other, redis, url):
    client.get(url)
    redis.delete(GENERATION)
    assert x_cache(other.get("/news/?limit=77")) == (200, "MISS")
    assert x_cache(client.get(url)) == (200, "MISS")
