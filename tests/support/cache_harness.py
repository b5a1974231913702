"""What the tests of the cache stand on: a clock that is moved by hand, a dao to interfere with, an app."""

import time
from datetime import UTC, datetime

from flask.testing import FlaskClient

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.auth.scopes import SAFE
from shared.cache.circuit_breaker import CircuitBreaker
from shared.cache.keys import generation_key, hash_tag
from shared.cache.redis_client import connect
from shared.cache.redis_pool import PERSISTENT_ERRORS
from shared.cache.store import NON_FAILURES, CacheStore
from shared.config import Settings
from shared.constants import CLAIMS
from shared.errors import Unavailable
from support.fakes import FakeDao

SETTINGS = {"stage": "local", "region": "us-east-1", "tables": {"news": "news"}}


def tag_of(stage):
    """How the keys of the news module begin."""
    return hash_tag(Settings(**SETTINGS | {"stage": stage}), "news")


TAG = tag_of("local")
GENERATION = generation_key(TAG)
LONG_AGO = b"1.000-0123456789abcdef"
"""A generation so old that no index lags: what is loaded stays fresh for the whole time."""


class Clock:
    """Unix seconds that pass only when told to."""

    def __init__(self):
        self.seconds = 1_900_000_000.0

    def __call__(self):
        return self.seconds

    def utc(self):
        return datetime.fromtimestamp(self.seconds, UTC)


def nothing():
    pass


class WatchedDao(FakeDao):
    """Counts loads, takes its time, fails on demand, and lets a test do something in the middle."""

    def __init__(self):
        super().__init__()
        self.loads = 0
        self.load_seconds = 0.0
        self.is_down = False
        self.on_loaded = self.on_written = nothing

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
            raise Unavailable("The database is away.")

    def _loaded(self, data):
        """What was read; by the time that this returns it may be old."""
        self.loads += 1
        time.sleep(self.load_seconds)
        self.on_loaded()
        return data


class Writer(FlaskClient):
    """A client that may write, and whose reads are anonymous all the same."""

    def open(self, *args, **named):
        if named.get("method", "GET") not in SAFE:
            named.setdefault("environ_overrides", {})[CLAIMS] = {"scope": "news:write"}
        return super().open(*args, **named)


def make_app(dao, redis_url, clock=None, *, can_be_slow=False, **changes):
    """An app on a dao; with a clock, its cache goes by that.

    Only where Redis `can_be_slow` does time pass for the circuit breaker: a busy machine is to break no test.
    """
    settings = Settings(**SETTINGS | {"redis_url": redis_url} | changes)
    app = create_app(settings)
    app.test_client_class = Writer
    setup_route(app, NewsService(dao, now=clock.utc) if clock else NewsService(dao))
    if clock and redis_url:
        passing = time.monotonic if can_be_slow else float
        breaker = CircuitBreaker(*NON_FAILURES, persistent=PERSISTENT_ERRORS, clock=passing, now=clock)
        app.extensions["cache"] = CacheStore(connect(settings), settings, now=clock, breaker=breaker)
    return app


def x_cache(answer):
    return answer.status_code, answer.headers.get("X-Cache")
