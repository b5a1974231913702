"""Cache freshness, invalidation and single flight, on a real Valkey."""

import threading
import time
from itertools import permutations

import pytest

from shared.cache.keys import CacheKey
from shared.cache.store import LOCK_SECONDS
from shared.errors import Unavailable
from support.cache_harness import (
    GENERATION,
    TAG,
    Clock,
    InstrumentedDao,
    client_with_item,
    do_nothing,
    make_app,
    x_cache,
)
from support.fakes import sent

CLIENTS = 40
EXPIRIES = 3
"""benchmarks/cache_stampede.py uses 8."""


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dao():
    return InstrumentedDao()


@pytest.fixture
def app(dao, valkey, clock):
    return make_app(dao, valkey.url, clock)


@pytest.fixture
def client(app, clock):
    return client_with_item(app, clock)


@pytest.fixture
def other(dao, valkey, clock):
    """A client of another process."""
    return make_app(dao, valkey.url, clock).test_client()


@pytest.fixture
def redis(valkey):
    with valkey.client() as client:
        yield client


@pytest.fixture(params=["list", "item"])
def url(request, client):
    return {"list": "/news/?limit=5", "item": client.item}[request.param]


def change(client, title):
    response = client.put(client.item, json=sent(title=title), headers={"If-Match": "*"})
    assert response.status_code == 200


def during_next_load(dao, act):
    """Call `act` between the next load's read of the data and its response."""

    def first_time():
        dao.on_loaded = do_nothing
        act()

    dao.on_loaded = first_time


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


def test_an_entry_is_served_while_one_request_refreshes_it(client, other, clock, dao, url):
    client.get(url)
    clock.seconds += 58
    results = []
    during_next_load(dao, lambda: results.extend(x_cache(other.get(url)) for _ in range(3)))
    assert x_cache(client.get(url)) == (200, "MISS")
    assert results == [(200, "HIT")] * 3
    assert dao.loads == 2


def get_concurrently(clients, url):
    """Send a request from every client at once and return the seconds of the slowest."""
    barrier = threading.Barrier(len(clients))
    responses = []

    def get(client):
        barrier.wait()
        started = time.monotonic()
        responses.append((client.get(url), time.monotonic() - started))

    threads = [threading.Thread(target=get, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {response.status_code for response, _ in responses} == {200}
    return max(seconds for _, seconds in responses)


@pytest.mark.parametrize("expiry", [58, 61, 700])
def test_forty_clients_on_an_expiring_entry_make_one_load(app, client, clock, dao, url, expiry):
    """With an entry that is about to expire, one that has expired, and none."""
    clients = [app.test_client() for _ in range(CLIENTS)]
    client.get(url)
    dao.loads, dao.load_seconds = 0, 0.05
    for _ in range(EXPIRIES):
        clock.seconds += expiry
        get_concurrently(clients, url)
    assert dao.loads == EXPIRIES


def test_forty_clients_after_a_write_make_one_load(app, client, clock, dao, url):
    clients = [app.test_client() for _ in range(CLIENTS)]
    dao.load_seconds = 0.05
    for number in range(EXPIRIES):
        change(client, f"New {number}")
        before = dao.loads
        get_concurrently(clients, url)
        assert dao.loads == before + 1


def hold_lock(valkey, clock, url, client):
    """Acquire the lock of an entry, as a loader that dies."""
    app = make_app(InstrumentedDao(), valkey.url, clock)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:index:*" if "limit" in url else f"{TAG}:show:*")
    store, key = app.extensions["cache"], CacheKey("news", GENERATION, key.decode())
    assert store.try_lock(key, store.get(key))[1]


def test_no_request_waits_for_a_dead_loader_while_the_entry_is_fresh(client, valkey, clock, dao, redis, url):
    client.get(url)
    clock.seconds += 57.5
    hold_lock(valkey, clock, url, client)
    assert [x_cache(client.get(url)) for _ in range(3)] == [(200, "HIT")] * 3
    (lock,) = redis.keys(f"{TAG}:*:*:*")
    assert 0 < redis.pttl(lock) <= LOCK_SECONDS * 1000
    redis.delete(lock)  # as when it expires
    assert x_cache(client.get(url)) == (200, "MISS")


def test_requests_wait_briefly_for_a_dead_loader_without_an_entry(app, client, valkey, clock, dao, url):
    client.get(url)
    clock.seconds += 61
    hold_lock(valkey, clock, url, client)
    slowest = get_concurrently([app.test_client() for _ in range(4)], url)
    assert slowest < 1
    assert x_cache(client.get(url)) == (200, "HIT")


def test_no_request_waits_for_a_loader_that_failed(client, clock, dao, redis, url):
    dao.is_down = True
    assert client.get(url).status_code == 503
    dao.is_down = False
    assert redis.keys(f"{TAG}:*:*") == []
    assert x_cache(client.get(url)) == (200, "MISS")


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


def test_a_write_changes_the_generation_of_every_shard(valkey, clock):
    app = make_app(InstrumentedDao(), valkey.url, clock, cache_shards=4)
    client = app.test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    clock.seconds += 10
    pages = [f"/news/?limit={limit}" for limit in range(1, 41)]
    for page in pages:
        client.get(page)
    assert [x_cache(client.get(page)) for page in pages] == [(200, "HIT")] * len(pages)
    with valkey.client() as redis:
        keys = redis.keys("*:generation")
        assert len({key[: key.index(b"}")] for key in redis.scan_iter()}) == len(keys) == 4
        before = redis.mget(keys)
        client.put(item, json=sent(title="New"), headers={"If-Match": "*"})
        assert set(before).isdisjoint(redis.mget(keys))
    assert [x_cache(client.get(page)) for page in pages] == [(200, "MISS")] * len(pages)


def test_an_invalidation_that_one_shard_refuses_is_retried(valkey, clock):
    app = make_app(InstrumentedDao(), valkey.url, clock, cache_shards=4)
    client = app.test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    client.get("/news/")
    with valkey.client() as redis:
        try:
            allowed = [f"~*:{shard}}}*" for shard in range(3)]
            redis.execute_command("ACL", "SETUSER", "default", "resetkeys", *allowed)
            client.put(item, json=sent(title="New"), headers={"If-Match": "*"})
            pages = [client.get(f"/news/?limit={limit}") for limit in range(1, 21)]
        finally:
            redis.execute_command("ACL", "SETUSER", "default", "allkeys")
    assert [x_cache(page) for page in pages] == [(200, "BYPASS")] * len(pages)
    assert x_cache(client.get("/news/")) == (200, "MISS")
    assert client.get("/news/").json["items"][0]["title"] == "New"
