"""Harness of the report: rows of its table, a warm cache, and worker processes that run interleaved."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import redis
from msgspec.structs import replace

from benchmarks.cache_harness import GENERATION, OLD_GENERATION, TAG, InstrumentedDao, make_app, valkey
from shared.cache.entry import Generation, decode, encode
from tools.local.tables import LOCAL_NAMES

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tools" / "local" / "sample_news.jsonl"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]  # benchmarks must never use real credentials
os.environ.update(CREDENTIALS)

REFRESH_SECONDS = 5.0
"""Interval at which the entry is renewed, so that no measured request refreshes it."""


class Row(NamedTuple):
    """One row of the report: the medians of this service and a peer, their ratio, and its limit.

    `limit` is the maximum ratio, or the minimum with `at_least`. None: shown for comparison only.
    """

    figure: str
    peer: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    limit: float | None
    at_least: bool = False

    @property
    def is_within_limit(self) -> bool:
        return self.limit is None or self.margin >= 1

    @property
    def margin(self) -> float:
        """The distance to the limit: 2 is twice as good as required, less than 1 fails."""
        return self.ratio / self.limit if self.at_least else self.limit / self.ratio


def row(
    figure: str, peer: str, unit: str, ours: list[float], theirs: list[float], limit: float | None, **more
) -> Row:
    """Return a row with medians, and the median ratio of values measured side by side."""
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Row(figure, peer, median(ours), median(theirs), unit, ratio, limit, **more)


class WarmCache:
    """A Valkey that holds the first page as this service caches it, and its body under the key `page`."""

    def __init__(self, server, folder: Path) -> None:
        self.url = server.url
        self._redis = redis.Redis.from_url(server.url, protocol=2, driver_info=None)
        client = make_app(InstrumentedDao(), server.url).test_client()
        for line in SAMPLE.read_text().splitlines():
            assert client.post("/news/", json=json.loads(line)).status_code == 201
        self._redis.set(GENERATION, OLD_GENERATION)
        self.page = folder / "page.json"
        self.page.write_bytes(client.get("/news/").data)
        self._redis.set("page", self.page.read_bytes())

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator["WarmCache"]:
        with valkey() as server, tempfile.TemporaryDirectory() as folder:
            filled, ended = cls(server, Path(folder)), threading.Event()
            refreshing = threading.Thread(target=filled.keep_fresh, args=(ended,))
            refreshing.start()
            try:
                yield filled
            finally:
                ended.set()
                refreshing.join()

    def keep_fresh(self, ended: threading.Event) -> None:
        (key,) = self._redis.keys(f"{TAG}:index:*")
        entry = decode(self._redis.get(key), key.decode(), Generation.parse(OLD_GENERATION))
        while not ended.wait(REFRESH_SECONDS):
            metadata = replace(entry.metadata, loaded_at=time.time())
            self._redis.set(key, encode(entry._replace(metadata=metadata)))

    @property
    def env(self) -> dict[str, str]:
        """Settings of processes that serve this cache. Their DynamoDB endpoint is unreachable."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
            "AWS_REGION": "us-east-1",
            **LOCAL_NAMES,
            "PAGE": str(self.page),
            "REDIS_URL": self.url,
            "STAGE": "local",
        }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a measured process: the settings, without the developer's variables."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | CREDENTIALS | {"LOG_FORMAT": "json"} | dict(settings)


@contextlib.contextmanager
def worker_process(command: list[str], settings: Mapping[str, str]) -> Iterator[Callable[[int], float]]:
    """Start a process that reads a number of calls per line and prints the seconds of one call.

    Yields a function that sends the number of calls and returns the printed seconds.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(times: int) -> float:
        process.stdin.write(f"{times}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    yield run
    process.stdin.close()
    process.wait(10)


def run_interleaved(
    commands: Mapping[str, list[str]], settings: Mapping[str, str], rounds: int, times: int, starts: int = 1
) -> dict[str, list[float]]:
    """Run worker processes in turns, in random order, and return the seconds of each round after a warm-up.

    Two processes of the same code can differ by some percent because of their memory layout. With `starts`,
    the processes are restarted that often, with `rounds` rounds each.
    """
    results: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(starts):
        with contextlib.ExitStack() as stack:
            workers = {
                name: stack.enter_context(worker_process(command, settings))
                for name, command in commands.items()
            }
            for number in range(rounds + 1):
                for name in random.sample(list(workers), len(workers)):
                    seconds = workers[name](times)
                    if number:
                        results[name].append(seconds)
    return results


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def print_rows(rows: list[Row]) -> None:
    for item in rows:
        measured = f"{item.ours:.3g} / {item.theirs:.3g} {item.unit} = {item.ratio:.3f}"
        verdict = "" if item.is_within_limit else "   misses its limit"
        print(f"{item.figure} / {item.peer}: {measured}{verdict}", flush=True)
