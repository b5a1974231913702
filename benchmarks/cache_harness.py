"""What the benchmarks of the cache share: a database on a Valkey of its own, apps on it, and servers."""

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

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # servers, proxy and fakes are the tests' own

from news.model import News
from support import cache_harness
from support.cache_harness import GENERATION, LONG_AGO, TAG, WatchedDao, tag_of
from support.fakes import sent
from support.fault_proxy import FaultProxy
from support.redis_servers import Valkey

PATH = f"/news/{uuid5(NAMESPACE_URL, str(sent()['url']))}"


make_app = partial(cache_harness.make_app, log_level="WARNING")  # a line for each request would be in the way


@contextlib.contextmanager
def valkey(*options: str) -> Iterator[Valkey]:
    """A server that ends with this."""
    with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder), *options) as server:
        yield server


class SharedDao(WatchedDao):
    """One item, in a Valkey that stands for the database, so that processes share it.

    A read takes up to `pause` seconds after the data was looked at, and the list is `lag` seconds behind.
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


def quantile(values: list[float], share: float) -> float:
    """In milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


__all__ = [
    "GENERATION",
    "LONG_AGO",
    "PATH",
    "TAG",
    "FaultProxy",
    "SharedDao",
    "WatchedDao",
    "make_app",
    "quantile",
    "sent",
    "tag_of",
    "valkey",
]
