"""Measure a module's Lambda handler.

    python -m benchmarks.invoke_handler MODULE [HIT|MISS|BYPASS]

For each number N on a line of stdin, the process invokes the handler N times and prints the seconds per call:
wall-clock time, or CPU time with CPU=1 in the environment. As in Lambda's runtime, a call includes the
serialization of the response.
"""

import contextlib
import gzip
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from benchmarks.event import CHALICE_EVENT, EVENT
from tests.support.event_builders import parse_response

SERIALIZE = json.JSONEncoder(ensure_ascii=False).encode
"""See lambda_runtime_marshaller.py in https://github.com/aws/aws-lambda-python-runtime-interface-client."""

DEVNULL = os.open(os.devnull, os.O_WRONLY)
CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def check(response: Any, x_cache: str | None) -> None:
    """Fail on an unexpected response, so that no wrong response is measured."""
    if isinstance(response, list):  # items of botocore or of the DAO
        assert len(response) in {20, 21}, response
        return
    parsed = parse_response({"isBase64Encoded": False} | response)
    is_gzip = parsed.headers.get("content-encoding") == "gzip"
    body = gzip.decompress(parsed.body) if is_gzip else parsed.body
    assert (parsed.status, len(json.loads(body)["items"])) == (200, 20), response
    assert parsed.headers.get("x-cache") == x_cache, parsed.headers


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
    event = CHALICE_EVENT if module.endswith("chalice_redis") else EVENT
    with discarded_stderr():
        handler(event, CONTEXT)
        response = handler(event, CONTEXT)
    check(response, *x_cache or [None])
    serialize = SERIALIZE if isinstance(response, dict) else len  # items of botocore or of the DAO
    clock = time.process_time if os.environ.get("CPU") else time.perf_counter
    for line in sys.stdin:
        times = int(line)
        with discarded_stderr():
            start = clock()
            for _ in range(times):
                serialize(handler(event, CONTEXT))
            duration = clock() - start
        print(duration / times, flush=True)


if __name__ == "__main__":
    main()
