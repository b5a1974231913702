"""The metrics as Prometheus reads them, for a run under gunicorn: the same as CloudWatch's, by other names.

Several workers share them through a folder (PROMETHEUS_MULTIPROC_DIR, which entrypoint.sh makes): each writes
its own files there, and whichever is asked adds up all. They are counters and a histogram only, so that what
a worker has counted stays, whatever becomes of it.
https://prometheus.github.io/client_python/multiprocess/
"""

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from shared.metrics import CACHE, NAMESPACE, RARE, counted
from shared.observed import Observed
from shared.request_log import Kind, Tell

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: a hit takes a millisecond or two, and no request should outlast DynamoDB's two tries."""


def init_prometheus(app: Flask, path: str, folder: str | None) -> Tell:
    """Add the route, and return what is to be told of each request.

    Args:
        app: the app.
        path: of the route. Who may ask there is for the network to decide: it asks for no token.
        folder: where workers share what they have counted; None: there is but one.
    """
    registry = CollectorRegistry()

    def metrics() -> Response:
        return Response(
            generate_latest(_shared(folder) if folder else registry), content_type=CONTENT_TYPE_LATEST
        )

    app.add_url_rule(path, "metrics", metrics)
    return _counting(registry)


def _shared(folder: str) -> CollectorRegistry:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)
    return registry


def _counting(registry: CollectorRegistry) -> Tell:
    by_status, prefix = ["route", "status_class"], NAMESPACE.replace("-", "_")
    requests = Counter(f"{prefix}_requests", "Requests", by_status, registry=registry)
    seconds = Histogram(f"{prefix}_request_seconds", "Time", ["route"], buckets=BUCKETS, registry=registry)
    others = {
        name: Counter(f"{prefix}_{name}", name.replace("_", " "), registry=registry)
        for name in (*CACHE.values(), *RARE)
    }

    def tell(kind: Kind, seen: Observed, milliseconds: float, _is_cold: bool) -> None:  # noqa: FBT001
        requests.labels(kind.route, kind.status_class).inc()
        seconds.labels(kind.route).observe(milliseconds / 1000)
        for name, number in counted(kind, seen.met).items():
            others[name].inc(number)

    return tell
