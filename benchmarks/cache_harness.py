"""Harness of the cache benchmarks: apps, servers, and a database that processes share."""

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import msgspec
import redis

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # for tests/support

from news.model import News
from support import cache_harness
from support.cache_harness import GENERATION, OLD_GENERATION, TAG, InstrumentedDao, hash_tag_of
from support.fakes import sent
from support.fault_proxy import FaultProxy
from support.redis_servers import Valkey

PATH = f"/news/{uuid5(NAMESPACE_URL, str(sent()['url']))}"


make_app = partial(cache_harness.make_app, log_level="WARNING")  # no request log


@contextlib.contextmanager
def valkey(*options: str) -> Iterator[Valkey]:
    """Run a server within the context."""
    with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder), *options) as server:
        yield server


class SharedDao(InstrumentedDao):
    """Stores one item in a Valkey, so that several processes share it as their database.

    A read waits for up to `pause` seconds after it has read the data. The list lags by `lag` seconds.
    """

    def __init__(self, url: str, pause: float = 0.005, lag: float = 0.0) -> None:
        super().__init__()
        self._truth = redis.Redis.from_url(url, protocol=2, driver_info=None)
        self._pause, self._lag = pause, lag

    def find(self, news_id):
        data = self._truth.get("item")
        return self._read(data) if data else None

    def page(self, wanted, after, limit):
        for data in self._truth.lrange("history", 0, -1):
            at, _, item = data.partition(b" ")
            if float(at) <= time.time() - self._lag:
                return [self._read(item)], None
        return [], None

    def add(self, news):
        self._write(news)

    def replace(self, news):
        self._write(news)

    def _read(self, data: bytes) -> News:
        self._truth.incr("loads")
        time.sleep(random.uniform(0, self._pause))
        return msgspec.json.decode(data, type=News)

    def _write(self, news: News) -> None:
        data = msgspec.json.encode(news)
        pipe = self._truth.pipeline()
        pipe.set("item", data)
        pipe.lpush("history", b"%f " % time.time() + data)
        pipe.ltrim("history", 0, 500)
        pipe.execute()


def quantile(seconds: list[float], fraction: float) -> float:
    """Return a quantile in milliseconds."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * fraction))] * 1000


__all__ = [
    "GENERATION",
    "OLD_GENERATION",
    "PATH",
    "TAG",
    "FaultProxy",
    "InstrumentedDao",
    "SharedDao",
    "hash_tag_of",
    "make_app",
    "quantile",
    "sent",
    "valkey",
]
