"""A process that calls a module's Lambda handler as often as it is told, and says the seconds of one call.

    python -m benchmarks.caller MODULE [HIT|MISS|BYPASS]

The seconds are those of a clock on the wall; with CPU=1 in the environment, those that this process computed.
"""

import importlib
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any, TextIO

from benchmarks.event import EVENT

CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def check(answer: Any, x_cache: str | None) -> None:
    """What is fast and wrong is not to be measured."""
    if isinstance(answer, list):  # rows, as botocore has them, or items
        assert len(answer) in {20, 21}, answer
        return
    assert answer["statusCode"] == 200, answer
    assert len(json.loads(answer["body"])["items"]) == 20, answer
    assert answer.get("headers", {}).get("X-Cache") == x_cache, answer["headers"]


def answers() -> TextIO:
    """Where the seconds go: the standard output, which from now on is nobody's, for it is the log's."""
    kept = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return kept


def main() -> None:
    out = answers()
    module, *x_cache = sys.argv[1:]
    handler = importlib.import_module(module).handler
    handler(EVENT, CONTEXT)
    check(handler(EVENT, CONTEXT), *x_cache or [None])
    clock = time.process_time if os.environ.get("CPU") else time.perf_counter
    for line in sys.stdin:
        times = int(line)
        start = clock()
        for _ in range(times):
            handler(EVENT, CONTEXT)
        print((clock() - start) / times, file=out, flush=True)


if __name__ == "__main__":
    main()
