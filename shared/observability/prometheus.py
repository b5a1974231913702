"""The metrics for Prometheus, under gunicorn. They are the same as CloudWatch's, with Prometheus names.

Each worker writes files in a shared folder. The worker that Prometheus scrapes adds up all of them. All
metrics are counters or histograms, so that the counts of a worker remain after it exits.
https://prometheus.github.io/client_python/multiprocess/
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, make_wsgi_app, values
from prometheus_client.multiprocess import MultiProcessCollector

from shared.observability.context import RequestContext
from shared.observability.metrics import CACHE_COUNTERS, EVENT_COUNTERS, NAMESPACE, counters_for
from shared.observability.request_log import Reporter, RequestLabels

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds. A cache hit takes 1 to 2 ms; a request should not take longer than two DynamoDB calls."""


def set_process_identifier(slot: int) -> None:
    """Name the files of this worker by its slot instead of its process id. Call before creating a metric."""
    values.ValueClass = values.MultiProcessValue(lambda: slot)


class MetricsListener:
    """WSGI middleware that serves the metrics on their own port and calls `app` on all other addresses.

    The port is taken from the socket, so that no request to another address can reach the metrics.
    """

    def __init__(self, app: "WSGIApplication", port: int, path: str, folder: str) -> None:
        self._app = app
        self._path = path
        self._port = port
        self._folder = Path(folder)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Return the metrics or the response of the app."""
        address = environ["gunicorn.socket"].getsockname()
        if not isinstance(address, tuple) or address[1] != self._port:
            return self._app(environ, start_response)
        if environ["PATH_INFO"] != self._path or environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        exposition: Iterable[bytes] = make_wsgi_app(self._registry())(environ, start_response)
        return exposition

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            MultiProcessCollector(registry, str(self._folder))
        except (OSError, ValueError):
            log.exception("metrics are unavailable: cannot read their folder")
        return registry


def prometheus_reporter() -> Reporter:
    """Return a reporter that increments the metrics."""
    registry = CollectorRegistry()
    by_status, prefix = ["route", "status_class"], NAMESPACE.replace("-", "_")
    requests = Counter(f"{prefix}_requests", "HTTP requests", by_status, registry=registry)
    seconds = Histogram(
        f"{prefix}_request_duration_seconds",
        "Request duration",
        ["route"],
        buckets=BUCKETS,
        registry=registry,
    )
    counters = {
        name: Counter(f"{prefix}_{name}", name.replace("_", " "), registry=registry)
        for name in (*CACHE_COUNTERS.values(), *EVENT_COUNTERS)
    }

    def report(labels: RequestLabels, ctx: RequestContext, duration_ms: float, _is_cold: bool) -> None:  # noqa: FBT001
        requests.labels(labels.route, labels.status_class).inc()
        seconds.labels(labels.route).observe(duration_ms / 1000)
        for name, count in counters_for(labels, ctx.counters).items():
            counters[name].inc(count)

    return report
