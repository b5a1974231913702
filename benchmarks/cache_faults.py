"""Latency and wrong responses while Redis is down, slow, full, returning errors or holding corrupt data.

A client alternates between an app without a cache and an app with one, 50 requests per second to each. One
request in 20 is a write. Each database call takes 5 ms.
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
    InstrumentedDao,
    make_app,
    quantile,
    sent,
    valkey,
)

INTERVAL = 0.02
WINDOW_SECONDS = 10.0
DATABASE_SECONDS = 0.005


class Target(NamedTuple):
    """The server and its proxy, where faults are injected."""

    server: Any
    proxy: FaultProxy


@contextlib.contextmanager
def repeatedly(act: Callable[[], None], interval: float) -> Iterator[None]:
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(interval):
            act()

    thread = threading.Thread(target=repeat)
    thread.start()
    yield
    ended.set()
    thread.join()


@contextlib.contextmanager
def proxy_mode(target: Target, mode: str, delay: float = 0.0) -> Iterator[None]:
    target.proxy.set(mode, delay)
    yield
    target.proxy.set("pass")


@contextlib.contextmanager
def redis_command(target: Target, *command: Any) -> Iterator[None]:
    with target.server.client() as redis:
        redis.execute_command("ACL", "SETUSER", "admin", "on", ">x", "~*", "+@all")
        redis.execute_command(*command)
    yield


def restart(target: Target) -> None:
    target.server.stop()
    target.server.start()


@contextlib.contextmanager
def corrupted(target: Target, pattern: str) -> Iterator[None]:
    """Overwrite the values of matching keys 20 times a second."""

    def corrupt() -> None:
        for key in redis.keys(pattern):
            if key.count(b":") < 6:  # not a lock
                redis.set(key, b"rubbish")

    with target.server.client() as redis, repeatedly(corrupt, 0.05):
        yield


FAULTS: dict[str, Callable[[Target], contextlib.AbstractContextManager[None]]] = {
    "none": lambda _: contextlib.nullcontext(),
    "refuses connections": lambda target: proxy_mode(target, "refuse"),
    "does not respond": lambda target: proxy_mode(target, "silent"),
    "responds in 20 ms": lambda target: proxy_mode(target, "slow", 0.02),
    "responds in 100 ms": lambda target: proxy_mode(target, "slow", 0.1),
    "responds in 240 ms": lambda target: proxy_mode(target, "slow", 0.24),
    "responds in 300 ms": lambda target: proxy_mode(target, "slow", 0.3),
    "restarts every 3 s": lambda target: repeatedly(lambda: restart(target), 3),
    "is out of memory": lambda target: redis_command(target, "CONFIG", "SET", "maxmemory", 1),
    "returns errors": lambda target: redis_command(target, "ACL", "SETUSER", "default", "-@all"),
    "has corrupt entries": lambda target: corrupted(target, f"{TAG}:*:*"),
    "has a corrupt generation": lambda target: corrupted(target, GENERATION),
}


class SlowDao(InstrumentedDao):
    def __init__(self):
        super().__init__()
        self.load_seconds = DATABASE_SECONDS
        self.on_written = lambda: time.sleep(DATABASE_SECONDS)


class RecordingClient:
    """A client that records (start, duration) of its requests and counts wrong responses."""

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
        response = self.client.put(PATH, json=sent(title=title), headers={"If-Match": "*"})
        self.writes.append((at, time.perf_counter() - started))
        self.wrong += response.status_code != 200

    def read(self, at: float, *, of_list: bool) -> None:
        started = time.perf_counter()
        response = self.client.get("/news/" if of_list else PATH)
        self.reads.append((at, time.perf_counter() - started))
        item = response.json["items"][0] if of_list else response.json
        self.wrong += response.status_code != 200 or item["title"] != self.title


def send_requests(clients: tuple[RecordingClient, ...], seconds: float) -> None:
    begin = time.perf_counter()
    for number in range(int(seconds / INTERVAL)):
        at = number * INTERVAL
        time.sleep(max(0.0, begin + at - time.perf_counter()))
        of_list = random.random() < 0.5
        for client in clients:
            if number % 20:
                client.read(at, of_list=of_list)
            else:
                client.write(at, f"Write {number}")


def compare(name: str, operation: str, uncached: RecordingClient, cached: RecordingClient) -> None:
    """Print the latencies. The p99 excludes the slowest request of each window, which opens the circuit."""
    slowest: dict[int, float] = {}
    for at, duration in getattr(cached, operation):
        window = int(at / WINDOW_SECONDS)
        slowest[window] = max(slowest.get(window, 0.0), duration)
    durations = sorted(seconds for _, seconds in getattr(cached, operation))
    without = quantile([seconds for _, seconds in getattr(uncached, operation)], 0.99)
    rest = quantile(durations[: -len(slowest)], 0.99)
    print(
        f"{name:24} {operation:6} {len(durations):5}  p50 {quantile(durations, 0.5):5.1f}  p99 {rest:5.1f} ms"
        f" (without a cache {without:5.1f})  slowest {durations[-1] * 1000:5.0f} ms  wrong {cached.wrong}",
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
            uncached = RecordingClient(make_app(SlowDao(), None).test_client())
            cached = RecordingClient(make_app(SlowDao(), f"redis://127.0.0.1:{proxy.port}").test_client())
            with FAULTS[name](Target(server, proxy)):
                send_requests((uncached, cached), arguments.seconds)
        for operation in ("reads", "writes"):
            compare(name, operation, uncached, cached)


if __name__ == "__main__":
    main()
