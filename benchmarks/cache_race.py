"""Counts stale reads with concurrent readers and a bursty writer, each in a process of its own.

A read is stale if it lacks a write that was acknowledged before the request started.
"""

import argparse
import json
import multiprocessing
import random
import time
from typing import Any

import redis

from benchmarks.cache_harness import PATH, SharedDao, make_app, sent, valkey

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "generation evicted": {"evicts": "*:generation", "every": 0.02},
    "keys flushed": {"evicts": "*", "every": 0.05},
    "redis restarted": {"restart": 2.0},
    "index lags 300 ms": {"lag": 0.3, "pause": 4.0},
}


def read(cache_url: str, truth_url: str, shards: int, lag: float, seconds: float, results: Any) -> None:
    client = make_app(SharedDao(truth_url, lag=lag), cache_url, cache_shards=shards).test_client()
    truth = redis.Redis.from_url(truth_url)
    totals = {view: {"reads": 0, "hits": 0, "stale": 0, "max_age": 0.0} for view in ("item", "list")}
    until = time.time() + seconds
    while time.time() < until:
        view = random.choice(["item", "list"])
        acknowledged, started = int(truth.get("acknowledged") or 0), time.time()
        response = client.get(PATH if view == "item" else "/news/")
        version = response.json["version"] if view == "item" else response.json["items"][0]["version"]
        counts = totals[view]
        counts["reads"] += 1
        counts["hits"] += response.headers["X-Cache"] == "HIT"
        if version < acknowledged:
            counts["stale"] += 1
            counts["max_age"] = max(counts["max_age"], started - float(truth.hget("at", version + 1)))
    results.put(totals)


def write(cache_url: str, truth_url: str, shards: int, pause: float, seconds: float, results: Any) -> None:
    client = make_app(SharedDao(truth_url), cache_url, cache_shards=shards).test_client()
    truth = redis.Redis.from_url(truth_url)
    until, writes = time.time() + seconds, 0
    while time.time() < until:
        for _ in range(random.randint(1, 20)):
            title = f"Write {writes}"
            response = client.put(PATH, json=sent(title=title), headers={"If-Match": "*"})
            assert response.status_code == 200
            version, writes = response.json["version"], writes + 1
            truth.hset("at", version, time.time())
            truth.set("acknowledged", version)
            time.sleep(random.uniform(0, 0.005))
        time.sleep(random.uniform(0, pause))
    results.put({"writes": writes})


def evict(cache_url: str, pattern: str, every: float, seconds: float) -> None:
    cache, until = redis.Redis.from_url(cache_url), time.time() + seconds
    while time.time() < until:
        time.sleep(random.uniform(0, 2 * every))
        cache.delete("none", *cache.keys(pattern))


def race(seconds: float, readers: int, shards: int, case: dict[str, Any]) -> dict[str, Any]:
    """Run one case and return the counts of all readers, for items and lists."""
    spawn = multiprocessing.get_context("spawn")
    with valkey() as cache, valkey() as truth:
        first = make_app(SharedDao(truth.url), cache.url, cache_shards=shards).test_client()
        assert first.post("/news/", json=sent()).status_code == 201
        time.sleep(case.get("lag", 0))
        results = spawn.Queue()
        lag = case.get("lag", 0.0)
        jobs: list[Any] = [(read, (cache.url, truth.url, shards, lag, seconds, results))] * readers
        jobs.append((write, (cache.url, truth.url, shards, case.get("pause", 0.5), seconds, results)))
        if "evicts" in case:
            jobs.append((evict, (cache.url, case["evicts"], case["every"], seconds)))
        processes = [spawn.Process(target=target, args=args) for target, args in jobs]
        for process in processes:
            process.start()
        until = time.time() + seconds
        while "restart" in case and time.time() < until:
            time.sleep(case["restart"])
            cache.stop()
            cache.start()
        counts = [results.get(timeout=seconds + 60) for _ in range(readers + 1)]
        for process in processes:
            process.join()
    return sum_counts(counts)


def sum_counts(counts: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {"writes": sum(process.get("writes", 0) for process in counts)}
    for view in ("item", "list"):
        readers = [process[view] for process in counts if view in process]
        total[view] = {name: sum(reader[name] for reader in readers) for name in ("reads", "hits", "stale")}
        total[view]["max_age"] = max(reader["max_age"] for reader in readers)
    return total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.case or CASES:
        result = race(arguments.seconds, arguments.readers, arguments.shards, CASES[name])
        if arguments.json:
            print(json.dumps(result))
            continue
        for view in ("item", "list"):
            counts = result[view]
            print(
                f"{name:20} {view}: {counts['stale']:5} stale of {counts['reads']:6} reads"
                f" ({counts['hits'] / counts['reads']:4.0%} hits, {result['writes']} writes),"
                f" oldest {counts['max_age']:.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
