"""Measure a module's Lambda handler.

    python -m benchmarks.invoke_handler MODULE [HIT|MISS|BYPASS]

For each number N on a line of stdin, the process invokes the handler N times and prints the seconds per call:
wall-clock time, or CPU time with CPU=1 in the environment.
"""

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from benchmarks.event import EVENT

DEVNULL = os.open(os.devnull, os.O_WRONLY)
CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def check(response: Any, x_cache: str | None) -> None:
    """Fail on an unexpected response, so that no wrong response is measured."""
    if isinstance(response, list):  # items of botocore or of the DAO
        assert len(response) in {20, 21}, response
        return
    assert response["statusCode"] == 200, response
    assert len(json.loads(response["body"])["items"]) == 20, response
    assert response.get("headers", {}).get("X-Cache") == x_cache, response["headers"]


@contextlib.contextmanager
def discarded_stderr() -> Iterator[None]:
    """Discard the request log."""
    stderr = os.dup(2)
    os.dup2(DEVNULL, 2)
    yield
    os.dup2(stderr, 2)
    os.close(stderr)


def main() -> None:
    module, *x_cache = sys.argv[1:]
    handler = importlib.import_module(module).handler
    with discarded_stderr():
        handler(EVENT, CONTEXT)
        response = handler(EVENT, CONTEXT)
    check(response, *x_cache or [None])
    clock = time.process_time if os.environ.get("CPU") else time.perf_counter
    for line in sys.stdin:
        times = int(line)
        with discarded_stderr():
            start = clock()
            for _ in range(times):
                handler(EVENT, CONTEXT)
            duration = clock() - start
        print(duration / times, flush=True)


if __name__ == "__main__":
    main()
