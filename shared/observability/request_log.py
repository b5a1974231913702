"""The request log: one record per request, from which reporters write the log and the metrics."""

import logging
from collections.abc import Callable, Iterable
from functools import cache
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from flask import Flask
from msgspec import Struct
from msgspec.structs import replace

from shared.constants import DEFERRED_RECORDS, REQUEST_ID, XRAY
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from shared.observability.tracing import valid_traceparent, xray_root

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.routing import Rule

log = logging.getLogger(__name__)

FAILURE_LOG_SECONDS = 60
"""Minimum time between two log records about failing reporters."""

NO_ROUTE = "none"
"""The route label of a request that matches no route. Clients cannot add labels by requesting other paths."""


class RequestLabels(Struct, frozen=True, eq=False):
    """The labels that many requests share: one instance per set of values, so that caches compare identities.

    Attributes:
        module: the module that owns the route, or empty.
        method: the request method, or empty without a route.
        route: method and rule, such as `GET /news/<news_id>`. It never holds the path. HEAD counts as GET.
        status: the status code of the response.
        status_class: `2xx`, `4xx`, ...
        cache: the value of `X-Cache`, or empty without that header.
    """

    module: str
    method: str
    route: str
    status: int
    status_class: str
    cache: str


Counters = tuple[tuple[str, int], ...]
Reporter = Callable[[RequestLabels, RequestContext, float, bool], None]
"""Logs or counts a request. It takes the members of RequestRecord."""

Headers = list[tuple[str, str]]
Write = Callable[[bytes], object]
"""Aliases, because the annotations of a nested function are evaluated at each call of the outer one."""


class RequestRecord(NamedTuple):
    """A finished request.

    Attributes:
        labels: its labels.
        ctx: its ids and counters.
        duration_ms: milliseconds until the app returned its response.
        is_cold: the request was the first one of this process.
    """

    labels: RequestLabels
    ctx: RequestContext
    duration_ms: float
    is_cold: bool


class RequestLog:
    """WSGI middleware that measures each request and passes a RequestRecord to each reporter.

    A server that may replace the response puts a list into the environ, under DEFERRED_RECORDS. The record is
    then appended to that list, and the server calls `report` with the final status.

    Args:
        app: the WSGI application.
        reporters: called once for each request.
    """

    def __init__(self, app: "WSGIApplication", reporters: Iterable[Reporter]) -> None:
        self.app = app
        self._reporters = tuple(reporters)
        self._is_cold = True
        self._failure_logged_at = 0.0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the app, then report the request or defer its record."""
        started = perf_counter()
        ctx = context_from_environ(environ)
        token = CURRENT_CONTEXT.set(ctx)
        labels = NO_RESPONSE

        def start(status: str, headers: Headers, exc_info: Any = None) -> Write:
            nonlocal labels
            labels = _labels_of_response(environ, status, headers)
            return start_response(status, headers, exc_info)

        try:
            return self.app(environ, start)
        finally:
            CURRENT_CONTEXT.reset(token)
            is_cold, self._is_cold = self._is_cold, False
            record = RequestRecord(labels, ctx, (perf_counter() - started) * 1000, is_cold)
            deferred: list[RequestRecord] | None = environ.get(DEFERRED_RECORDS)
            if deferred is None:
                self.report(record, labels.status)
            else:
                deferred.append(record)

    def report(self, record: RequestRecord, status: int) -> None:
        """Pass a record to each reporter, with the status code that the client received."""
        labels = record.labels if record.labels.status == status else with_status(record.labels, status)
        for reporter in self._reporters:
            try:
                reporter(labels, *record[1:])
            except Exception as error:  # noqa: BLE001  # a failing reporter must not change the response
                self._log_failure(error)

    def report_malformed(self, status: int, request_id: str) -> None:
        """Report a malformed request, which the server rejected before it reached the app."""
        ctx = RequestContext()
        ctx.request_id = request_id
        self.report(RequestRecord(NO_RESPONSE, ctx, 0.0, is_cold=False), status)

    def _log_failure(self, error: Exception) -> None:
        """Log an error of a reporter, at most once per FAILURE_LOG_SECONDS."""
        now = time()
        if not self._failure_logged_at <= now < self._failure_logged_at + FAILURE_LOG_SECONDS:
            self._failure_logged_at = now
            log.error("failed to log or count a request", exc_info=error)


def init_request_log(app: Flask, reporters: Iterable[Reporter]) -> None:
    """Wrap the app in a RequestLog."""
    request_log = RequestLog(app.wsgi_app, reporters)
    app.extensions["request_log"] = request_log
    app.wsgi_app = request_log  # type: ignore[method-assign]


def context_from_environ(environ: "WSGIEnvironment") -> RequestContext:
    """Return the context of a request. Generate a request id if it has none; prefer Lambda's trace id."""
    ctx = RequestContext()
    ctx.request_id = environ.get(REQUEST_ID) or environ.setdefault(REQUEST_ID, str(uuid4()))
    if "HTTP_TRACEPARENT" in environ and (parent := valid_traceparent(environ["HTTP_TRACEPARENT"])):
        ctx.traceparent, ctx.trace_id = parent, parent[3:35]
    xray = environ.get(XRAY) or environ.get("HTTP_X_AMZN_TRACE_ID")
    if xray and (root := xray_root(xray)):
        ctx.xray, ctx.trace_id = xray, root
    return ctx


def _labels_of_response(environ: "WSGIEnvironment", status: str, headers: Headers) -> RequestLabels:
    rule: Rule | None = environ["werkzeug.request"].url_rule  # no longer there after the response
    if rule is None:
        return labels_for("", "", "", status, "")
    cached = ""
    for name, value in headers:  # half the time of a generator expression
        if name == "X-Cache":
            cached = value
    return labels_for(environ["REQUEST_METHOD"], rule.rule, rule.endpoint, status, cached)


@cache  # bounded by the number of routes, methods and status codes
def labels_for(method: str, rule: str, endpoint: str, status: str, cached: str) -> RequestLabels:
    """Return the labels of a request. `/news` and `/news/` have the same route label."""
    route = f"{'GET' if method == 'HEAD' else method} {rule.rstrip('/') or '/'}" if rule else NO_ROUTE
    return RequestLabels(
        endpoint.rpartition(".")[0], method, route, int(status[:3]), f"{status[0]}xx", cached
    )


@cache  # one instance for each result, see RequestLabels
def with_status(labels: RequestLabels, status: int) -> RequestLabels:
    """Return the labels of a request whose response the server replaced by one with this status code."""
    return replace(labels, status=status, status_class=f"{status // 100}xx", cache="")


NO_RESPONSE = labels_for("", "", "", "500 Internal Server Error", "")
"""The labels of a request to which the app returned no response. The server then responds with 500."""
