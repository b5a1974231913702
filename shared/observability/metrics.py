"""The metrics: what of a request is one, and how a line of the log says so to CloudWatch.

CloudWatch makes them from the line itself, by its embedded metric format (EMF): without a call, or an agent.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

    requests      of a route, by status class; those of 5xx are the errors
    duration_ms  of a route
    the others    of all routes together, and only where there is something to count
"""

from collections.abc import Sequence

from shared.observability.request_log import Counters, RequestLabels

NAMESPACE = "news"
"""In CloudWatch with the stage: `news-prod`."""

CACHE = {"HIT": "cache_hits", "MISS": "cache_misses", "BYPASS": "cache_bypassed"}
"""By what `X-Cache` says."""

EVENT_COUNTERS = (
    "cache_unavailable",
    "circuit_breaker_opened",
    "cache_stale_served",
    "dynamodb_throttled_requests",
)
"""The cache could not be used, the circuit to Redis opened, an old answer stood in for the database, DynamoDB
refused a call for the number of them."""


def counters_for(kind: RequestLabels, met: Counters) -> dict[str, int]:
    """What of a request counts for all routes together."""
    name = CACHE.get(kind.cache)
    return ({name: 1} if name else {}) | dict(met)


def emf_directives(stage: str, others: Sequence[str]) -> list[object]:
    """What says, in a line, which of its members are metrics, and of which dimensions.

    Args:
        stage: whose metrics they are.
        others: the names of those of all routes that are in the line.
    """
    found = [
        _directive(stage, ["route", "status_class"], ["requests"], "Count"),
        _directive(stage, ["route"], ["duration_ms"], "Milliseconds"),
    ]
    return [*found, _directive(stage, [], others, "Count")] if others else found


def _directive(stage: str, dimensions: Sequence[str], names: Sequence[str], unit: str) -> object:
    return {
        "Namespace": f"{NAMESPACE}-{stage}",
        "Dimensions": [dimensions],
        "Metrics": [{"Name": name, "Unit": unit} for name in names],
    }
