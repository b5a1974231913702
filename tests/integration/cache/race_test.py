"""No stale reads with concurrent readers and a writer, each in its own process.

A short run of benchmarks/cache_race.py, which takes 30 s per case by default.
"""

import json
import subprocess
import sys

import pytest

from support.environment import CLEAN, ROOT, UNMEASURED
from support.redis_servers import BINARY, REASON


def race(case, shards):
    command = [
        sys.executable,
        "-m",
        "benchmarks.cache_race",
        "--case",
        case,
        "--shards",
        str(shards),
        "--json",
    ]
    command += ["--seconds", "1", "--readers", "2"]
    ended = subprocess.run(
        command, cwd=ROOT, env=CLEAN | UNMEASURED, stdout=subprocess.PIPE, check=True, timeout=120
    )
    return json.loads(ended.stdout)


@pytest.mark.skipif(not BINARY, reason=REASON)
@pytest.mark.parametrize(
    ("case", "shards"), [("plain", 1), ("plain", 4), ("generation evicted", 4), ("keys flushed", 1)]
)
def test_no_response_lacks_a_write_acknowledged_before_the_request(case, shards):
    counts = race(case, shards)
    assert counts["writes"] > 5
    for view in ("item", "list"):
        assert counts[view]["reads"] > counts[view]["hits"] > 5
        assert counts[view]["stale"] == 0
