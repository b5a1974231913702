"""Requests while Redis is away, slow, full, refusing or full of rubbish: all right, and as quick as without?

A client asks an app without a cache and one with, in turn, each 50 times a second; one request in 20 is a
write. A load or a write takes the database 5 ms.
"""

import argparse
import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmarks.cache_harness import (
    GENERATION,
    PATH,
    TAG,
    FaultProxy,
    WatchedDao,
    make_app,
    quantile,
    sent,
    valkey,
)

INTERVAL = 0.02
WINDOW_SECONDS = 10.0
DATABASE_SECONDS = 0.005


class Place(NamedTuple):
    """Where a fault can be caused: the server, and the proxy before it."""

    server: Any
    proxy: FaultProxy


@contextlib.contextmanager
def again_and_again(act: Callable[[], None], every: float) -> Iterator[None]:
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(every):
            act()

    thread = threading.Thread(target=go_on)
    thread.start()
    yield
    ended.set()
    thread.join()


@contextlib.contextmanager
def proxy_mode(place: Place, mode: str, delay: float = 0.0) -> Iterator[None]:
    place.proxy.set(mode, delay)
    yield
    place.proxy.set("pass")


@contextlib.contextmanager
def redis_command(place: Place, *command: Any) -> Iterator[None]:
    with place.server.client() as redis:
        redis.execute_command("ACL", "SETUSER", "admin", "on", ">x", "~*", "+@all")
        redis.execute_command(*command)
    yield


def restart(place: Place) -> None:
    place.server.stop()
    place.server.start()


@contextlib.contextmanager
def damaged(place: Place, pattern: str) -> Iterator[None]:
    """Rubbish in place of what has such keys, 20 times a second."""

    def damage() -> None:
        for key in redis.keys(pattern):
            if key.count(b":") < 6:  # no lock
                redis.set(key, b"rubbish")

    with place.server.client() as redis, again_and_again(damage, 0.05):
        yield


FAULTS: dict[str, Callable[[Place], contextlib.AbstractContextManager[None]]] = {
    "none": lambda _: contextlib.nullcontext(),
    "refuses": lambda place: proxy_mode(place, "refuse"),
    "is silent": lambda place: proxy_mode(place, "silent"),
    "answers in 20 ms": lambda place: proxy_mode(place, "slow", 0.02),
    "answers in 100 ms": lambda place: proxy_mode(place, "slow", 0.1),
    "answers in 240 ms": lambda place: proxy_mode(place, "slow", 0.24),
    "answers in 300 ms": lambda place: proxy_mode(place, "slow", 0.3),
    "restarts every 3 s": lambda place: again_and_again(lambda: restart(place), 3),
    "is out of memory": lambda place: redis_command(place, "CONFIG", "SET", "maxmemory", 1),
    "answers with errors": lambda place: redis_command(place, "ACL", "SETUSER", "default", "-@all"),
    "has damaged entries": lambda place: damaged(place, f"{TAG}:*:*"),
    "has a damaged generation": lambda place: damaged(place, GENERATION),
}


class SlowDao(WatchedDao):
    def __init__(self):
        super().__init__()
        self.load_seconds = DATABASE_SECONDS
        self.on_written = lambda: time.sleep(DATABASE_SECONDS)


class Seen:
    """What a client saw: when each request began, how long it took, and how many answers were wrong."""

    def __init__(self, client: Any) -> None:
        self.client = client
        client.post("/news/", json=sent())
        client.get("/news/")
        self.reads: list[tuple[float, float]] = []
        self.writes: list[tuple[float, float]] = []
        self.title = ""
        self.wrong = 0

    def write(self, at: float, title: str) -> None:
        started, self.title = time.perf_counter(), title
        answer = self.client.put(PATH, json=sent(title=title), headers={"If-Match": "*"})
        self.writes.append((at, time.perf_counter() - started))
        self.wrong += answer.status_code != 200

    def read(self, at: float, *, of_list: bool) -> None:
        started = time.perf_counter()
        answer = self.client.get("/news/" if of_list else PATH)
        self.reads.append((at, time.perf_counter() - started))
        item = answer.json["items"][0] if of_list else answer.json
        self.wrong += answer.status_code != 200 or item["title"] != self.title


def ask(both: tuple[Seen, Seen], seconds: float) -> None:
    begin = time.perf_counter()
    for number in range(int(seconds / INTERVAL)):
        at = number * INTERVAL
        time.sleep(max(0.0, begin + at - time.perf_counter()))
        of_list = random.random() < 0.5
        for each in both:
            if number % 20:
                each.read(at, of_list=of_list)
            else:
                each.write(at, f"Write {number}")


def compare(name: str, kind: str, base: Seen, seen: Seen) -> None:
    """The slowest request of each window is set apart, as the promise has it."""
    slowest: dict[int, float] = {}
    for at, took in getattr(seen, kind):
        window = int(at / WINDOW_SECONDS)
        slowest[window] = max(slowest.get(window, 0.0), took)
    took = sorted(seconds for _, seconds in getattr(seen, kind))
    without = quantile([seconds for _, seconds in getattr(base, kind)], 0.99)
    rest = quantile(took[: -len(slowest)], 0.99)
    print(
        f"{name:24} {kind:6} {len(took):5}  p50 {quantile(took, 0.5):5.1f}  p99 {rest:5.1f} ms"
        f" (without a cache {without:5.1f})  slowest {took[-1] * 1000:5.0f} ms  wrong {seen.wrong}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--fault", choices=FAULTS, action="append")
    arguments = parser.parse_args()
    logging.disable()
    for name in arguments.fault or FAULTS:
        with valkey() as server, FaultProxy(server.port) as proxy:
            base = Seen(make_app(SlowDao(), None).test_client())
            seen = Seen(make_app(SlowDao(), f"redis://127.0.0.1:{proxy.port}").test_client())
            with FAULTS[name](Place(server, proxy)):
                ask((base, seen), arguments.seconds)
        for kind in ("reads", "writes"):
            compare(name, kind, base, seen)


if __name__ == "__main__":
    main()
