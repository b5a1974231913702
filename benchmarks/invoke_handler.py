"""A process that calls a module's Lambda handler as often as it is told, and says the seconds of one call.

    python -m benchmarks.invoke_handler MODULE [HIT|MISS|BYPASS]

The seconds are those of a clock on the wall; with CPU=1 in the environment, those that this process computed.
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

NOWHERE = os.open(os.devnull, os.O_WRONLY)
CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def check(answer: Any, x_cache: str | None) -> None:
    """What is fast and wrong is not to be measured."""
    if isinstance(answer, list):  # rows, as botocore has them, or items
        assert len(answer) in {20, 21}, answer
        return
    assert answer["statusCode"] == 200, answer
    assert len(json.loads(answer["body"])["items"]) == 20, answer
    assert answer.get("headers", {}).get("X-Cache") == x_cache, answer["headers"]


@contextlib.contextmanager
def unlogged() -> Iterator[None]:
    """The log's lines go to nobody; there are as many as calls."""
    kept = os.dup(2)
    os.dup2(NOWHERE, 2)
    yield
    os.dup2(kept, 2)
    os.close(kept)


def main() -> None:
    module, *x_cache = sys.argv[1:]
    handler = importlib.import_module(module).handler
    with unlogged():
        handler(EVENT, CONTEXT)
        answer = handler(EVENT, CONTEXT)
    check(answer, *x_cache or [None])
    clock = time.process_time if os.environ.get("CPU") else time.perf_counter
    for line in sys.stdin:
        times = int(line)
        with unlogged():
            start = clock()
            for _ in range(times):
                handler(EVENT, CONTEXT)
            took = clock() - start
        print(took / times, flush=True)


if __name__ == "__main__":
    main()
