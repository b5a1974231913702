"""The formats of a request in the log: a line of JSON, which includes its metrics, or a line of text.

A JSON line is built from text, because logging the same fields through `logging` and JsonFormatter costs 30 %
of a cached GET instead of 8 % (benchmarks/logging_cost.py). The part that requests with the same labels share
is encoded once and cached.
"""

import logging
import time
from functools import lru_cache

import msgspec
from msgspec.structs import asdict

from shared.observability.context import RequestContext
from shared.observability.logs import write_line
from shared.observability.metrics import counters_for, emf_directives
from shared.observability.request_log import Counters, Reporter, RequestLabels

log = logging.getLogger("request")

CACHED_LINE_ENDS = 1000
"""Size of the cache: enough for all labels, times the common values of calls, units and counters."""


def json_reporter(stage: str) -> Reporter:
    """Return a reporter that writes JSON at every log level, because metrics are extracted from it."""

    @lru_cache(CACHED_LINE_ENDS)
    def encode_end(labels: RequestLabels, calls: int, units: float, counters: Counters) -> str:
        """Encode the end of a line, up to the timestamp of its metrics."""
        counts = counters_for(labels, counters)
        fields = asdict(labels) | {"cache": labels.cache or None, "requests": 1}
        fields |= {"dynamodb_calls": calls, "dynamodb_capacity_units": units} | counts
        metrics = {"CloudWatchMetrics": emf_directives(stage, tuple(counts)), "Timestamp": 0}
        return msgspec.json.encode(fields | {"_aws": metrics})[1:-3].decode()

    def report(labels: RequestLabels, ctx: RequestContext, duration_ms: float, is_cold: bool) -> None:  # noqa: FBT001
        now = int(time.time() * 1000)
        second, millisecond = _format_second(now // 1000), now % 1000
        # No value needs escaping: each is validated, generated, or one of a fixed set.
        write_line(
            f'{{"level":"INFO","message":"request","timestamp":"{second}.{millisecond:03}+00:00",'
            f'"request_id":"{ctx.request_id}","trace_id":"{ctx.trace_id}","traceparent":"{ctx.traceparent}",'
            f'"duration_ms":{duration_ms:.3f},"cold_start":{"true" if is_cold else "false"},'
            f"{encode_end(labels, ctx.dynamodb_calls, ctx.dynamodb_capacity_units, ctx.counters)}{now}}}}}\n"
        )

    return report


def text_reporter(labels: RequestLabels, ctx: RequestContext, duration_ms: float, _is_cold: bool) -> None:  # noqa: FBT001
    """Log a request as text. Counters that are zero are left out."""
    counts = {
        "dynamodb_calls": ctx.dynamodb_calls,
        "dynamodb_capacity_units": ctx.dynamodb_capacity_units,
        **dict(ctx.counters),
    }
    nonzero = [f"{name}={count:g}" for name, count in counts.items() if count]
    log.info(
        "%s", " ".join([labels.route, str(labels.status), f"{duration_ms:.1f} ms", labels.cache, *nonzero])
    )


@lru_cache(2)  # the current second, and another one if the clock is set back
def _format_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
