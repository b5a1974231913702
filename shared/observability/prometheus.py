"""The metrics as Prometheus reads them, for a run under gunicorn: the same as CloudWatch's, by other names.

Several workers share them through a folder in which each writes its own files, and the worker that Prometheus
asks adds up all. They are counters and a histogram only, so that a worker's counts stay after its end.
https://prometheus.github.io/client_python/multiprocess/
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, make_wsgi_app, values
from prometheus_client.multiprocess import MultiProcessCollector

from shared.observability.context import RequestContext
from shared.observability.metrics import CACHE, EVENT_COUNTERS, NAMESPACE, counters_for
from shared.observability.request_log import Reporter, RequestLabels

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: a hit takes a millisecond or two, and no request should outlast DynamoDB's two tries."""


def name_files(slot: int) -> None:
    """Name this worker's files by its slot, not by its process id. Call it before a metric is created."""
    values.ValueClass = values.MultiProcessValue(lambda: slot)


class MetricsListener:
    """A WSGI application that serves the metrics on their own address, and `app` on every other one.

    The address is that of the socket: nothing that a client sends on another one leads to the metrics.
    """

    def __init__(self, app: "WSGIApplication", port: int, path: str, folder: str) -> None:
        self._app = app
        self._path = path
        self._port = port
        self._folder = Path(folder)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Respond with the metrics, or call the app."""
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
            log.exception("metrics are lost: their folder is gone")
        return registry


def prometheus_reporter() -> Reporter:
    """Return a function that counts a request."""
    registry = CollectorRegistry()
    by_status, prefix = ["route", "status_class"], NAMESPACE.replace("-", "_")
    requests = Counter(f"{prefix}_requests", "Requests", by_status, registry=registry)
    seconds = Histogram(f"{prefix}_request_seconds", "Time", ["route"], buckets=BUCKETS, registry=registry)
    others = {
        name: Counter(f"{prefix}_{name}", name.replace("_", " "), registry=registry)
        for name in (*CACHE.values(), *EVENT_COUNTERS)
    }

    def report(kind: RequestLabels, seen: RequestContext, duration_ms: float, _is_cold: bool) -> None:  # noqa: FBT001
        requests.labels(kind.route, kind.status_class).inc()
        seconds.labels(kind.route).observe(duration_ms / 1000)
        for name, number in counters_for(kind, seen.met).items():
            others[name].inc(number)

    return report
