"""Harness for cache tests: a manual clock, an instrumented DAO, and apps that use both."""

import time
from datetime import UTC, datetime

from flask.testing import FlaskClient

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.auth.scopes import SAFE_METHODS
from shared.cache.circuit_breaker import CircuitBreaker
from shared.cache.keys import generation_key, hash_tags
from shared.cache.redis_client import connect
from shared.cache.redis_pool import PERSISTENT_ERRORS
from shared.cache.store import NON_FAILURES, CacheStore
from shared.config import Settings
from shared.constants import CLAIMS
from shared.errors import Unavailable
from support.fakes import FakeDao, sent

SETTINGS = {"stage": "local", "region": "us-east-1", "tables": {"news": "news"}}


def hash_tag_of(stage):
    """Return the hash tag of the news module's keys in a stage."""
    return hash_tags(Settings(**SETTINGS | {"stage": stage}), "news")[0]


TAG = hash_tag_of("local")
GENERATION = generation_key(TAG)
OLD_GENERATION = b"1.000-0123456789abcdef"
"""A generation that is older than the index lag, so entries get the full TTL."""


class Clock:
    """A clock in Unix seconds that tests advance."""

    def __init__(self):
        self.seconds = 1_900_000_000.0

    def __call__(self):
        return self.seconds

    def utc(self):
        return datetime.fromtimestamp(self.seconds, UTC)


def do_nothing():
    pass


class InstrumentedDao(FakeDao):
    """A DAO that counts loads, and can be slow, fail, and call a hook during a load or write."""

    def __init__(self):
        super().__init__()
        self.loads = 0
        self.load_seconds = 0.0
        self.is_down = False
        self.on_loaded = self.on_written = do_nothing

    def find(self, news_id):
        self.ping()
        return self._loaded(super().find(news_id))

    def page(self, wanted, after, limit):
        self.ping()
        return self._loaded(super().page(wanted, after, limit))

    def add(self, news):
        self.ping()
        super().add(news)
        self.on_written()

    def replace(self, news):
        self.ping()
        super().replace(news)
        self.on_written()

    def delete(self, news_id, stored):
        self.ping()
        super().delete(news_id, stored)
        self.on_written()

    def ping(self):
        if self.is_down:
            raise Unavailable("The database is unavailable.")

    def _loaded(self, data):
        """Return the data after the delay and the hook, when it may be stale."""
        self.loads += 1
        time.sleep(self.load_seconds)
        self.on_loaded()
        return data


class Writer(FlaskClient):
    """A client whose writes are authorized and whose reads are anonymous."""

    def open(self, *args, **named):
        if named.get("method", "GET") not in SAFE_METHODS:
            named.setdefault("environ_overrides", {})[CLAIMS] = {"scope": "news:write"}
        return super().open(*args, **named)


def make_app(dao, redis_url, clock=None, *, can_be_slow=False, **changes):
    """Return an app that uses the DAO. With a clock, its cache uses that clock.

    The circuit breaker measures calls only if Redis `can_be_slow`, so that a busy machine fails no test.
    """
    settings = Settings(**SETTINGS | {"redis_url": redis_url} | changes)
    app = create_app(settings)
    app.test_client_class = Writer
    setup_route(app, NewsService(dao, now=clock.utc) if clock else NewsService(dao))
    if clock and redis_url:
        monotonic = time.monotonic if can_be_slow else float
        breaker = CircuitBreaker(*NON_FAILURES, persistent=PERSISTENT_ERRORS, clock=monotonic, now=clock)
        app.extensions["cache"] = CacheStore(connect(settings), settings, now=clock, breaker=breaker)
    return app


def client_with_item(app, clock):
    """Return a client of the app that created an item, at the path `item`, longer ago than the index lag."""
    client = app.test_client()
    client.item = client.post("/news/", json=sent()).headers["Location"]
    clock.seconds += 10
    return client


def x_cache(response):
    return response.status_code, response.headers.get("X-Cache")


def change(client, title, item=None):
    """Replace the title of an item, by default of the client's own."""
    response = client.put(item or client.item, json=sent(title=title), headers={"If-Match": "*"})
    assert response.status_code == 200


def during_next_load(dao, act):
    """Call `act` between the next load's read of the data and its response."""

    def first_time():
        dao.on_loaded = do_nothing
        act()

    dao.on_loaded = first_time


def write_and_read(client, item, times=3):
    """Write and read, check the responses, and return their X-Cache values."""
    x_caches = []
    for number in range(times):
        change(client, f"Try {number}", item)
        for _ in range(2):
            one, all_ = client.get(item), client.get("/news/")
            assert one.json["title"] == all_.json["items"][0]["title"] == f"Try {number}"
            x_caches += [one.headers["X-Cache"], all_.headers["X-Cache"]]
    assert client.get("/news/none").status_code == 404
    return x_caches


def is_cached(redis_url, **changes):
    """Return True if an app caches responses in that Redis."""
    client = make_app(InstrumentedDao(), redis_url, **changes).test_client()
    return [x_cache(client.get("/news/"))[1] for _ in range(2)] == ["MISS", "HIT"]


def bypasses_within(seconds, client):
    """Return True if a request bypasses the cache within that time, which includes a margin."""
    started = time.monotonic()
    return x_cache(client.get("/news/")) == (200, "BYPASS") and time.monotonic() - started < seconds
