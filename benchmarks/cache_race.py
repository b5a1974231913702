"""Readers and a bursty writer, each a process of its own: how many answers are older than the last write?

An answer is stale when it lacks a write that was acknowledged before its request began.
"""

import argparse
import json
import multiprocessing
import random
import time
from typing import Any

import redis

from benchmarks.cache_harness import GENERATION, PATH, SharedDao, make_app, sent, valkey

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "generation evicted": {"disturb": f"DEL {GENERATION}", "every": 0.02},
    "keys flushed": {"disturb": "FLUSHALL", "every": 0.05},
    "redis restarted": {"restart": 2.0},
    "index lags 300 ms": {"lag": 0.3, "pause": 4.0},
}


def read(cache_url: str, truth_url: str, lag: float, seconds: float, results: Any) -> None:
    client = make_app(SharedDao(truth_url, lag=lag), cache_url).test_client()
    truth = redis.Redis.from_url(truth_url)
    seen = {kind: {"reads": 0, "hits": 0, "stale": 0, "worst": 0.0} for kind in ("item", "list")}
    until = time.time() + seconds
    while time.time() < until:
        kind = random.choice(["item", "list"])
        acknowledged, started = int(truth.get("acknowledged") or 0), time.time()
        answer = client.get(PATH if kind == "item" else "/news/")
        version = answer.json["version"] if kind == "item" else answer.json["items"][0]["version"]
        counts = seen[kind]
        counts["reads"] += 1
        counts["hits"] += answer.headers["X-Cache"] == "HIT"
        if version < acknowledged:
            counts["stale"] += 1
            counts["worst"] = max(counts["worst"], started - float(truth.hget("at", version + 1)))
    results.put(seen)


def write(cache_url: str, truth_url: str, pause: float, seconds: float, results: Any) -> None:
    client = make_app(SharedDao(truth_url), cache_url).test_client()
    truth = redis.Redis.from_url(truth_url)
    until, writes = time.time() + seconds, 0
    while time.time() < until:
        for _ in range(random.randint(1, 20)):
            title = f"Write {writes}"
            answer = client.put(PATH, json=sent(title=title), headers={"If-Match": "*"})
            assert answer.status_code == 200
            version, writes = answer.json["version"], writes + 1
            truth.hset("at", version, time.time())
            truth.set("acknowledged", version)
            time.sleep(random.uniform(0, 0.005))
        time.sleep(random.uniform(0, pause))
    results.put({"writes": writes})


def disturb(cache_url: str, command: str, every: float, seconds: float) -> None:
    cache, until = redis.Redis.from_url(cache_url), time.time() + seconds
    while time.time() < until:
        time.sleep(random.uniform(0, 2 * every))
        cache.execute_command(*command.split())


def race(seconds: float, readers: int, case: dict[str, Any]) -> dict[str, Any]:
    """What the readers counted, for items and lists."""
    spawn = multiprocessing.get_context("spawn")
    with valkey() as cache, valkey() as truth:
        first = make_app(SharedDao(truth.url), cache.url).test_client()
        assert first.post("/news/", json=sent()).status_code == 201
        time.sleep(case.get("lag", 0))
        results = spawn.Queue()
        lag = case.get("lag", 0.0)
        jobs: list[Any] = [(read, (cache.url, truth.url, lag, seconds, results))] * readers
        jobs.append((write, (cache.url, truth.url, case.get("pause", 0.5), seconds, results)))
        if "disturb" in case:
            jobs.append((disturb, (cache.url, case["disturb"], case["every"], seconds)))
        processes = [spawn.Process(target=target, args=args) for target, args in jobs]
        for process in processes:
            process.start()
        until = time.time() + seconds
        while "restart" in case and time.time() < until:
            time.sleep(case["restart"])
            cache.stop()
            cache.start()
        counted = [results.get(timeout=seconds + 60) for _ in range(readers + 1)]
        for process in processes:
            process.join()
    return summed(counted)


def summed(counted: list[dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {"writes": sum(each.get("writes", 0) for each in counted)}
    for kind in ("item", "list"):
        per_reader = [each[kind] for each in counted if kind in each]
        total[kind] = {name: sum(each[name] for each in per_reader) for name in ("reads", "hits", "stale")}
        total[kind]["worst"] = max(each["worst"] for each in per_reader)
    return total


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--readers", type=int, default=6)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.case or CASES:
        result = race(arguments.seconds, arguments.readers, CASES[name])
        if arguments.json:
            print(json.dumps(result))
            continue
        for kind in ("item", "list"):
            each = result[kind]
            print(
                f"{name:20} {kind}: {each['stale']:5} stale of {each['reads']:6} reads"
                f" ({each['hits'] / each['reads']:4.0%} hits, {result['writes']} writes),"
                f" oldest {each['worst']:.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
