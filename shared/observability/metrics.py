"""The metrics and their format in the log.

CloudWatch extracts the metrics from log lines in the embedded metric format (EMF). No API call or agent is
needed.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

    requests      per route and status class; status class 5xx counts the errors
    duration_ms   per route
    the counters  for all routes together, in a line only if they are above zero
"""

from collections.abc import Sequence

from shared.observability.request_log import Counters, RequestLabels

NAMESPACE = "news"
"""CloudWatch's namespace is this name and the stage: `news-prod`."""

CACHE_COUNTERS = {"HIT": "cache_hits", "MISS": "cache_misses", "BYPASS": "cache_bypassed"}
"""The counter for each value of `X-Cache`."""

EVENT_COUNTERS = (
    "cache_unavailable",
    "circuit_breaker_opened",
    "cache_stale_served",
    "dynamodb_throttled_requests",
    "rate_limited",
)
"""Counters of rare events:

cache_unavailable            requests that could not use the cache, or not count against the rate limit
circuit_breaker_opened       times that the circuit breaker for Redis opened
cache_stale_served           expired entries that were served because DynamoDB failed
dynamodb_throttled_requests  throttled DynamoDB calls
rate_limited                 requests that exceeded the rate limit of their client
"""


def counters_for(labels: RequestLabels, counters: Counters) -> dict[str, int]:
    """Return the counters of a request, with the one for its `X-Cache`."""
    name = CACHE_COUNTERS.get(labels.cache)
    return ({name: 1} if name else {}) | dict(counters)


def emf_directives(stage: str, counters: Sequence[str]) -> list[object]:
    """Return the EMF metric directives of a line: which members are metrics, with their dimensions and units.

    Args:
        stage: the stage, for the namespace.
        counters: the names of the counters in the line.
    """
    directives = [
        _directive(stage, ["route", "status_class"], ["requests"], "Count"),
        _directive(stage, ["route"], ["duration_ms"], "Milliseconds"),
    ]
    return [*directives, _directive(stage, [], counters, "Count")] if counters else directives


def _directive(stage: str, dimensions: Sequence[str], names: Sequence[str], unit: str) -> object:
    return {
        "Namespace": f"{NAMESPACE}-{stage}",
        "Dimensions": [dimensions],
        "Metrics": [{"Name": name, "Unit": unit} for name in names],
    }
