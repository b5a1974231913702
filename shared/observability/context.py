"""Per-request context: ids and counters.

Any layer may count, including a DAO. This module does not depend on HTTP, the cache or DynamoDB.
"""

from contextvars import ContextVar


class RequestContext:
    """The ids and counters of one request.

    Attributes:
        request_id: the id from the platform, or a generated one.
        trace_id: the id of the trace that the request belongs to, or empty.
        traceparent: the `traceparent` header if it is valid, or empty.
        xray: the `X-Amzn-Trace-Id` header if it is valid, or empty.
        dynamodb_calls: requests to DynamoDB, retries included.
        dynamodb_capacity_units: read and write capacity units that these requests consumed.
        counters: names of EVENT_COUNTERS in shared.observability.metrics, each with its count.
    """

    request_id = ""
    trace_id = ""
    traceparent = ""
    xray = ""
    dynamodb_calls = 0
    dynamodb_capacity_units = 0.0
    counters: tuple[tuple[str, int], ...] = ()

    def increment(self, name: str, *, once: bool = False) -> None:
        """Increment a counter. With `once`, the counter is at most 1 for each request."""
        counts = dict(self.counters)
        counts[name] = 1 if once else counts.get(name, 0) + 1
        self.counters = tuple(sorted(counts.items()))


CURRENT_CONTEXT: ContextVar[RequestContext] = ContextVar("request_context")
"""The context of the request that this thread or greenlet serves."""


def request_context() -> RequestContext:
    """Return the context of the current request. Outside a request, return a new one that is discarded."""
    return CURRENT_CONTEXT.get(None) or RequestContext()
