"""One request loads an entry while the others wait briefly or get the current one."""

import threading
import time

import pytest

from shared.cache.keys import CacheKey
from shared.cache.store import LOCK_SECONDS
from support.cache_harness import (
    GENERATION,
    TAG,
    InstrumentedDao,
    change,
    during_next_load,
    make_app,
    x_cache,
)

CLIENTS = 40
EXPIRIES = 3
"""benchmarks/cache_stampede.py uses 8."""


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
