"""A request as a line of the log: as JSON, which holds its metrics too, or as text for a person.

A line is built from text, because logging the same fields through `logging` and JsonFormatter costs 29 % of a
cached GET instead of 7 % (benchmarks/logging_cost.py). The part that requests with the same labels share is
encoded once and cached.
"""

import logging
import time
from dataclasses import asdict
from functools import lru_cache

import msgspec

from shared.observability.context import RequestContext
from shared.observability.logs import write_line
from shared.observability.metrics import counters_for, emf_directives
from shared.observability.request_log import Counters, Reporter, RequestLabels

log = logging.getLogger("request")

KEPT = 1000
"""Ends of lines: as many as routes, methods and statuses, times what a request takes and meets."""


def json_reporter(stage: str) -> Reporter:
    """Write requests as JSON: with the metrics of the stage, and so whatever the log level is."""

    @lru_cache(KEPT)
    def common(kind: RequestLabels, calls: int, units: float, met: Counters) -> str:
        """The rest of a line, up to the time of its metrics."""
        numbers = counters_for(kind, met)
        fields = asdict(kind) | {"cache": kind.cache or None, "requests": 1}
        fields |= {"dynamodb_calls": calls, "dynamodb_capacity_units": units} | numbers
        metrics = {"CloudWatchMetrics": emf_directives(stage, tuple(numbers)), "Timestamp": 0}
        return msgspec.json.encode(fields | {"_aws": metrics})[1:-3].decode()

    def tell(kind: RequestLabels, seen: RequestContext, duration_ms: float, is_cold: bool) -> None:  # noqa: FBT001
        now = int(time.time() * 1000)
        second, rest = _second(now // 1000), now % 1000
        # Nothing in it is of a client's making, but checked or one of a few.
        write_line(
            f'{{"level":"INFO","message":"request","timestamp":"{second}.{rest:03}+00:00",'
            f'"request_id":"{seen.request_id}","trace_id":"{seen.trace_id}","traceparent":"{seen.traceparent}",'
            f'"duration_ms":{duration_ms:.3f},"cold_start":{"true" if is_cold else "false"},'
            f"{common(kind, seen.dynamodb_calls, seen.dynamodb_capacity_units, seen.met)}{now}}}}}\n"
        )

    return tell


def text_reporter(kind: RequestLabels, seen: RequestContext, duration_ms: float, _is_cold: bool) -> None:  # noqa: FBT001
    """Write a request for a person."""
    took = {
        "dynamodb_calls": seen.dynamodb_calls,
        "dynamodb_capacity_units": seen.dynamodb_capacity_units,
        **dict(seen.met),
    }
    rest = [f"{name}={number:g}" for name, number in took.items() if number]
    log.info("%s", " ".join([kind.route, str(kind.status), f"{duration_ms:.1f} ms", kind.cache, *rest]))


@lru_cache(2)  # the clock can be put back
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
