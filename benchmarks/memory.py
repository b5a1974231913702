"""Resident memory of a warm process in MB, after a read from DynamoDB and 5,000 cached responses."""

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks import artifacts
from benchmarks.cache_harness import valkey
from benchmarks.cold_start import SCRIPT
from benchmarks.event import EVENT
from benchmarks.harness import Row, environment, print_rows, row
from benchmarks.news_tables import news_table
from tools.package.python import runtime_python

REPEATS = 5
CALLS = 5000
PEER = """
import sys
sys.path.insert(0, sys.argv[1])
import flask, pynamodb.models, redis
if sys.argv[2:]:
    import botocore_query
    assert botocore_query.handler({}, None)
print("None", next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""
PEERS = {
    "Flask, redis and pynamodb imported": ([], 1.15),
    "the same, after a query by botocore's own client": (["query"], 1.05),
}


def resident_mb(command: list[str], settings: dict[str, str], x_cache: str) -> float:
    output = subprocess.run(command, env=environment(settings), capture_output=True, text=True, check=True)
    actual, kilobytes, *_ = output.stdout.split()
    assert actual == x_cache, actual
    return int(kilobytes) / 1000


def measure() -> list[Row]:
    python, ours, peers = str(runtime_python()), artifacts.ours(), artifacts.peers()
    sizes: dict[str, list[float]] = {name: [] for name in ("ours", *PEERS)}
    with news_table(1000) as settings, tempfile.TemporaryDirectory() as temporary:
        event = Path(temporary, "event.json")
        event.write_text(json.dumps(EVENT))
        command = [python, "-B", str(SCRIPT), str(ours), "functions.news", str(event), str(CALLS)]
        for _ in range(REPEATS):
            with valkey() as cache:
                sizes["ours"].append(resident_mb(command, settings | {"REDIS_URL": cache.url}, "HIT"))
            for name, (arguments, _) in PEERS.items():
                peer = [python, "-B", "-c", PEER, str(peers), *arguments]
                sizes[name].append(resident_mb(peer, settings, "None"))
    figure = "memory of a warm process"
    return [row(figure, name, "MB", sizes["ours"], sizes[name], limit) for name, (_, limit) in PEERS.items()]


if __name__ == "__main__":
    print_rows(measure())
