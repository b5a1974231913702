"""40 clients, in 4 processes, on an entry that expires again and again: how many loads does it take?

In real time: each expiry takes a minute. The database takes 100 ms.
"""

import argparse
import multiprocessing
import threading
import time
from typing import Any

import redis

from benchmarks.cache_harness import SharedDao, make_app, quantile, sent, valkey
from shared.cache.entry import REFRESH_RATIO, TTL_SECONDS

PROCESSES, THREADS = 4, 10
LOAD_SECONDS = 0.1


class SlowDao(SharedDao):
    def _read(self, data):
        news = super()._read(data)
        time.sleep(LOAD_SECONDS)
        return news


def ask(cache_url: str, truth_url: str, until: float, results: Any) -> None:
    app = make_app(SlowDao(truth_url, pause=0), cache_url)
    seconds: list[float] = []

    def one() -> None:
        client = app.test_client()
        while time.time() < until:
            started = time.perf_counter()
            assert client.get("/news/").status_code == 200
            seconds.append(time.perf_counter() - started)
            time.sleep(0.1)

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--expiries", type=int, default=8)
    expiries = parser.parse_args().expiries
    spawn = multiprocessing.get_context("spawn")
    with valkey() as cache, valkey() as truth:
        first = make_app(SharedDao(truth.url), cache.url).test_client()
        first.post("/news/", json=sent())
        time.sleep(2.5)  # what is loaded from now on stays fresh
        counter = redis.Redis.from_url(truth.url)
        first.get("/news/")
        counter.set("loads", 0)
        until = time.time() + TTL_SECONDS * REFRESH_RATIO * expiries + 2
        results = spawn.Queue()
        jobs = [
            spawn.Process(target=ask, args=(cache.url, truth.url, until, results)) for _ in range(PROCESSES)
        ]
        for job in jobs:
            job.start()
        seconds = [each for _ in jobs for each in results.get(timeout=until - time.time() + 60)]
        for job in jobs:
            job.join()
        loads, slow = int(counter.get("loads") or 0), sum(each > LOAD_SECONDS for each in seconds)
        print(
            f"{PROCESSES * THREADS} clients, {expiries} expiries: {loads} loads for {len(seconds)} requests;"
        )
        print(f"p50 {quantile(seconds, 0.5):.1f} ms, p99 {quantile(seconds, 0.99):.1f} ms,")
        print(f"{slow} requests took as long as a load")


if __name__ == "__main__":
    main()
