"""How long an entry is served, what makes it void, and who loads the next one: on a real Valkey."""

import threading
import time
from itertools import permutations

import pytest

from shared.cache.keys import CacheKey
from shared.cache.store import LOCK_SECONDS
from shared.errors import Unavailable
from support.cache_harness import GENERATION, TAG, Clock, WatchedDao, make_app, nothing, x_cache
from support.fakes import sent

CLIENTS = 40
EXPIRIES = 3
"""benchmarks/cache_stampede.py has 8."""


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dao():
    return WatchedDao()


@pytest.fixture
def app(dao, valkey, clock):
    return make_app(dao, valkey.url, clock)


@pytest.fixture
def client(app, clock):
    client = app.test_client()
    client.item = client.post("/news/", json=sent()).headers["Location"]
    clock.seconds += 10
    return client


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
    answer = client.put(client.item, json=sent(title=title), headers={"If-Match": "*"})
    assert answer.status_code == 200


def once(dao, act):
    """Have it happen between the next load's look at the data and its answer."""

    def first_time():
        dao.on_loaded = nothing
        act()

    dao.on_loaded = first_time


def test_an_entry_is_served_for_a_minute_and_renewed_at_the_end_of_it(client, clock, dao, url):
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
def test_what_was_loaded_just_after_a_write_is_served_for_a_second(
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
def test_a_list_from_an_index_that_lags_is_old_for_about_a_second(client, clock, dao, lag):
    client.get("/news/")
    old, written_at = dict(dao.items), clock.seconds
    change(client, "New")
    seen_after = None
    real = dao.page

    def lagging(*asked):
        now, dao.items = dao.items, old if clock.seconds < written_at + lag else dao.items
        try:
            return real(*asked)
        finally:
            dao.items = now

    dao.page = lagging
    while seen_after is None:
        if client.get("/news/").json["items"][0]["title"] == "New":
            seen_after = clock.seconds - written_at
        clock.seconds += 0.05
    assert seen_after <= lag + 1.06
    clock.seconds += 70
    assert client.get("/news/").json["items"][0]["title"] == "New"


def test_an_entry_from_the_future_is_not_served(client, clock, url):
    clock.seconds += 3600
    client.get(url)
    clock.seconds -= 3600
    assert x_cache(client.get(url)) == (200, "MISS")


def test_an_answer_that_was_overtaken_by_a_write_is_not_served_again(client, other, dao, url):
    once(dao, lambda: change(client, "New"))
    assert b"New" not in other.get(url).data
    answer = other.get(url)
    assert x_cache(answer) == (200, "MISS")
    assert b"New" in answer.data


@pytest.mark.parametrize("evict", [f"DEL {GENERATION}", "FLUSHALL"])
@pytest.mark.parametrize("steps", list(permutations(["evict", "read", "write"])))
def test_a_load_overtaken_by_an_eviction_and_a_write_is_not_served_again(
    client, other, dao, redis, url, steps, evict
):
    acts = {
        "evict": lambda: redis.execute_command(*evict.split()),
        "read": lambda: other.get("/news/?limit=77"),  # where the generation is missing, it makes one
        "write": lambda: change(client, "New"),
    }
    once(dao, lambda: [acts[step]() for step in steps])
    assert b"New" not in client.get(url).data
    assert b"New" in other.get(url).data


@pytest.mark.parametrize("evict", [f"DEL {GENERATION}", "FLUSHALL"])
def test_a_load_that_began_without_a_generation_is_void_after_a_write(client, other, dao, redis, url, evict):
    redis.execute_command(*evict.split())
    once(dao, lambda: change(client, "New"))
    assert b"New" not in client.get(url).data
    assert b"New" in other.get(url).data


def test_after_an_eviction_of_the_generation_the_entries_of_before_stay_void(client, other, redis, url):
    client.get(url)
    redis.delete(GENERATION)
    assert x_cache(other.get("/news/?limit=77")) == (200, "MISS")
    assert x_cache(client.get(url)) == (200, "MISS")


def test_while_one_renews_an_entry_the_others_are_given_it(client, other, clock, dao, url):
    client.get(url)
    clock.seconds += 58
    seen = []
    once(dao, lambda: seen.extend(x_cache(other.get(url)) for _ in range(3)))
    assert x_cache(client.get(url)) == (200, "MISS")
    assert seen == [(200, "HIT")] * 3
    assert dao.loads == 2


def all_at_once(clients, url):
    """What they are answered, and how long the slowest of them took."""
    barrier = threading.Barrier(len(clients))
    answers = []

    def ask(client):
        barrier.wait()
        started = time.monotonic()
        answers.append((client.get(url), time.monotonic() - started))

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer, _ in answers} == {200}
    return max(seconds for _, seconds in answers)


@pytest.mark.parametrize("expiry", [58, 61, 700])
def test_forty_clients_on_an_expiring_entry_make_one_load(app, client, clock, dao, url, expiry):
    """On one that is about to expire, on one that just did, and on none."""
    clients = [app.test_client() for _ in range(CLIENTS)]
    client.get(url)
    dao.loads, dao.load_seconds = 0, 0.05
    for _ in range(EXPIRIES):
        clock.seconds += expiry
        all_at_once(clients, url)
    assert dao.loads == EXPIRIES


def test_forty_clients_after_a_write_make_one_load(app, client, clock, dao, url):
    clients = [app.test_client() for _ in range(CLIENTS)]
    dao.load_seconds = 0.05
    for number in range(EXPIRIES):
        change(client, f"New {number}")
        before = dao.loads
        all_at_once(clients, url)
        assert dao.loads == before + 1


def reserve(valkey, clock, url, client):
    """Become the loader of an answer, and never load it."""
    app = make_app(WatchedDao(), valkey.url, clock)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:index:*" if "limit" in url else f"{TAG}:show:*")
    store, key = app.extensions["cache"], CacheKey("news", GENERATION, key.decode())
    assert store.try_lock(key, store.get(key))[1]


def test_nobody_waits_for_a_loader_that_died_while_the_entry_is_good(client, valkey, clock, dao, redis, url):
    client.get(url)
    clock.seconds += 57.5
    reserve(valkey, clock, url, client)
    assert [x_cache(client.get(url)) for _ in range(3)] == [(200, "HIT")] * 3
    (lock,) = redis.keys(f"{TAG}:*:*:*")
    assert 0 < redis.pttl(lock) <= LOCK_SECONDS * 1000
    redis.delete(lock)  # what its end does
    assert x_cache(client.get(url)) == (200, "MISS")


def test_a_loader_that_died_is_waited_for_but_shortly_where_there_is_no_entry(
    app, client, valkey, clock, dao, url
):
    client.get(url)
    clock.seconds += 61
    reserve(valkey, clock, url, client)
    slowest = all_at_once([app.test_client() for _ in range(4)], url)
    assert slowest < 1
    assert x_cache(client.get(url)) == (200, "HIT")


def test_a_loader_that_fails_is_not_waited_for(client, clock, dao, redis, url):
    dao.is_down = True
    assert client.get(url).status_code == 503
    dao.is_down = False
    assert redis.keys(f"{TAG}:*:*") == []
    assert x_cache(client.get(url)) == (200, "MISS")


@pytest.fixture
def old_entry(client, clock, url):
    """An entry past its time."""
    client.get(url)
    clock.seconds += 300
    return url


def test_without_a_database_an_old_entry_is_served(client, dao, clock, old_entry):
    dao.is_down = True
    answer = client.get(old_entry)
    assert x_cache(answer) == (200, "HIT")
    assert answer.headers["Age"] == "300"
    dao.is_down = False
    assert x_cache(client.get(old_entry)) == (200, "MISS")


def test_without_a_database_an_entry_is_served_for_ten_minutes(client, dao, clock, old_entry):
    dao.is_down = True
    clock.seconds += 299
    assert client.get(old_entry).status_code == 200
    clock.seconds += 2
    assert client.get(old_entry).status_code == 503


def test_without_a_database_what_was_changed_or_deleted_does_not_come_back(client, dao, old_entry):
    client.delete(client.item)
    dao.is_down = True
    assert client.get(old_entry).status_code == 503


def test_what_is_deleted_while_the_database_is_asked_does_not_come_back(client, other, dao, old_entry):
    def fail():
        other.delete(client.item)
        raise Unavailable("It takes too long.")

    once(dao, fail)
    assert client.get(old_entry).status_code == 503


def test_an_error_that_is_no_outage_is_not_hidden_by_an_old_entry(client, dao, old_entry):
    def fail():
        raise ZeroDivisionError

    dao.on_loaded = fail
    assert client.get(old_entry).status_code == 500
