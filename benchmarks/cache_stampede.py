"""Counts loads while 40 clients in 4 processes request an entry that expires repeatedly.

It runs in real time: each expiry takes a minute. A load takes 100 ms.
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


def send_requests(cache_url: str, truth_url: str, until: float, results: Any) -> None:
    app = make_app(SlowDao(truth_url, pause=0), cache_url)
    seconds: list[float] = []

    def run_client() -> None:
        client = app.test_client()
        while time.time() < until:
            started = time.perf_counter()
            assert client.get("/news/").status_code == 200
            seconds.append(time.perf_counter() - started)
            time.sleep(0.1)

    threads = [threading.Thread(target=run_client) for _ in range(THREADS)]
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
        time.sleep(2.5)  # entries loaded from now on get the full TTL
        counter = redis.Redis.from_url(truth.url)
        first.get("/news/")
        counter.set("loads", 0)
        until = time.time() + TTL_SECONDS * REFRESH_RATIO * expiries + 2
        results = spawn.Queue()
        jobs = [
            spawn.Process(target=send_requests, args=(cache.url, truth.url, until, results))
            for _ in range(PROCESSES)
        ]
        for job in jobs:
            job.start()
        durations = [seconds for _ in jobs for seconds in results.get(timeout=until - time.time() + 60)]
        for job in jobs:
            job.join()
        loads, slow = int(counter.get("loads") or 0), sum(seconds > LOAD_SECONDS for seconds in durations)
        print(f"{PROCESSES * THREADS} clients, {expiries} expiries, {len(durations)} requests: {loads} loads")
        print(f"p50 {quantile(durations, 0.5):.1f} ms, p99 {quantile(durations, 0.99):.1f} ms")
        print(f"{slow} requests took as long as a load")


if __name__ == "__main__":
    main()
