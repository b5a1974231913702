"""What the figures share: rows of a table, a cache with an response in it, and processes that take turns."""

import contextlib
import json
import os
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
    del os.environ[name]  # nothing here may ever use real ones
os.environ.update(CREDENTIALS)

REFRESH_SECONDS = 5.0
"""How often the entry is made new: it is never due for a reload while somebody measures."""


class Row(NamedTuple):
    """One line of the table: what was measured, of ours and of a peer, and what the ratio has to be."""

    figure: str
    peer: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    limit: float
    at_least: bool = False

    @property
    def is_reached(self) -> bool:
        return self.margin >= 1

    @property
    def margin(self) -> float:
        """How far the limit is away: 2 is twice as good as must be, and less than 1 falls short."""
        return self.ratio / self.limit if self.at_least else self.limit / self.ratio


def row(
    figure: str, peer: str, unit: str, ours: list[float], theirs: list[float], limit: float, **more
) -> Row:
    """Medians, and the median of the ratios of what was measured side by side."""
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Row(figure, peer, median(ours), median(theirs), unit, ratio, limit, **more)


class WarmCache:
    """A Valkey with the first page as this service stores it, and, as `page`, its bare bytes."""

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
        """The settings of processes that response from it; DynamoDB is out of their reach."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
            "AWS_REGION": "us-east-1",
            **LOCAL_NAMES,
            "PAGE": str(self.page),
            "REDIS_URL": self.url,
            "STAGE": "local",
        }


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that is measured: nothing of the developer's but these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | CREDENTIALS | {"LOG_FORMAT": "json"} | dict(settings)


@contextlib.contextmanager
def worker_process(command: list[str], settings: Mapping[str, str]) -> Iterator[Callable[[int], float]]:
    """A process that does something as often as it is told, one line a time, and responses with a number."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(times: int) -> float:
        process.stdin.write(f"{times}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(10)


def run_interleaved(
    commands: Mapping[str, list[str]], settings: Mapping[str, str], rounds: int, times: int, starts: int = 1
) -> dict[str, list[float]]:
    """What each of these processes responded, round by round, after a first round that warms it up.

    One process can be some percent faster than the next of the same code, by where its memory lies. So where
    that matters they are started several times, with as many rounds each.
    """
    responses: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(starts):
        with contextlib.ExitStack() as stack:
            asks = {
                name: stack.enter_context(worker_process(command, settings))
                for name, command in commands.items()
            }
            for number in range(rounds + 1):
                for name, ask in asks.items():
                    response = ask(times)
                    if number:
                        responses[name].append(response)
    return responses


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def print_rows(rows: list[Row]) -> None:
    """For a figure that is measured alone."""
    for each in rows:
        measured = f"{each.ours:.3g} / {each.theirs:.3g} {each.unit} = {each.ratio:.3f}"
        print(
            f"{each.figure} / {each.peer}: {measured}{'' if each.is_reached else '   falls short'}",
            flush=True,
        )
