"""What is seen of a request while it is worked on: its ids, and what it met, counted where that happens.

Anybody may count, a dao too: this knows neither HTTP, nor the cache, nor DynamoDB.
"""

from contextvars import ContextVar


class RequestContext:
    """One request.

    Attributes:
        request_id: the platform's, else one made for it.
        trace_id: of the trace that it belongs to; empty where it belongs to none.
        traceparent: the header of that name, if it was valid.
        xray: X-Ray's header, if it was valid.
        dynamodb_calls: requests to DynamoDB, each try of one.
        dynamodb_capacity_units: read and write units that they consumed.
        met: what should be rare, by the names of shared.observability.metrics, and how often: see `meet`.
    """

    request_id = ""
    trace_id = ""
    traceparent = ""
    xray = ""
    dynamodb_calls = 0
    dynamodb_capacity_units = 0.0
    met: tuple[tuple[str, int], ...] = ()

    def increment(self, name: str, *, once: bool = False) -> None:
        """Count something rare; with `once`, no more than once a request."""
        times = dict(self.met)
        times[name] = 1 if once else times.get(name, 0) + 1
        self.met = tuple(sorted(times.items()))


CURRENT_CONTEXT: ContextVar[RequestContext] = ContextVar("observed")
"""The request that this thread works on, and those that are given its context."""


def request_context() -> RequestContext:
    """The current request; where there is none, one that nobody will read."""
    return CURRENT_CONTEXT.get(None) or RequestContext()
