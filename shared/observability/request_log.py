"""The log of requests: each is told once, with what it took and met. The metrics are made from that."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from flask import Flask

from shared.constants import DEFERRED_RECORDS, REQUEST_ID, XRAY
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from shared.observability.tracing import valid_traceparent, xray_root

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.routing import Rule

log = logging.getLogger(__name__)

FAILURE_LOG_SECONDS = 60

NONE = "none"
"""The route of what has none: who asks for it must not make up names."""


@dataclass(frozen=True, eq=False)  # each is made once, so that it is found by what it is, not by what it says
class RequestLabels:
    """What many requests have in common.

    Attributes:
        module: whose route it is; empty where it is nobody's.
        method: as sent; empty where there is no route.
        route: method and rule, as `GET /news/<news_id>`, never the path itself; HEAD counts as GET.
        status: of the answer.
        status_class: `2xx`, `4xx`, ...
        cache: what `X-Cache` said; empty where it was not there.
    """

    module: str
    method: str
    route: str
    status: int
    status_class: str
    cache: str


Counters = tuple[tuple[str, int], ...]
Reporter = Callable[[RequestLabels, RequestContext, float, bool], None]
"""Is told of a request that was answered: its kind, what was seen of it, the duration_ms from the first look
at it until its answer began, and whether it was the first of this process."""

Headers = list[tuple[str, str]]
Write = Callable[[bytes], object]
"""Named, since annotations of a function in a function are evaluated with each call of the outer one."""


class RequestRecord(NamedTuple):
    """What there is to tell of a request: see `Reporter`."""

    kind: RequestLabels
    seen: RequestContext
    duration_ms: float
    is_cold: bool


class RequestLog:
    """A WSGI application around Flask's: it sees all of a request's time, and the answer as it leaves.

    A server that may still replace the response puts a list into the environ, DEFERRED_RECORDS, and calls
    `tell` itself.

    Args:
        inner: the application.
        tell: who is told.
    """

    def __init__(self, inner: "WSGIApplication", tell: Iterable[Reporter]) -> None:
        self.inner = inner
        self._tell = tuple(tell)
        self._is_cold = True
        self._failed_at = 0.0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Hand the request on, and tell what became of it."""
        began = perf_counter()
        seen = context_from_environ(environ)
        token = CURRENT_CONTEXT.set(seen)
        kind = NO_RESPONSE

        def start(status: str, headers: Headers, exc_info: Any = None) -> Write:
            nonlocal kind
            rule: Rule | None = environ["werkzeug.request"].url_rule  # gone when the answer has left
            if rule is None:
                kind = labels_for("", "", "", status, "")
            else:
                cached = ""
                for name, value in headers:  # half the time of a generator
                    if name == "X-Cache":
                        cached = value
                kind = labels_for(environ["REQUEST_METHOD"], rule.rule, rule.endpoint, status, cached)
            return start_response(status, headers, exc_info)

        try:
            return self.inner(environ, start)
        finally:
            CURRENT_CONTEXT.reset(token)
            is_cold, self._is_cold = self._is_cold, False
            told = RequestRecord(kind, seen, (perf_counter() - began) * 1000, is_cold)
            held: list[RequestRecord] | None = environ.get(DEFERRED_RECORDS)
            if held is None:
                self.tell(told, kind.status)
            else:
                held.append(told)

    def tell(self, told: RequestRecord, status: int) -> None:
        """Reporter of a request that was answered with this status, whatever the application thought."""
        kind = told.kind if told.kind.status == status else with_status(told.kind, status)
        for tell in self._tell:
            try:
                tell(kind, *told[1:])
            except Exception as error:  # noqa: BLE001  # a log or a metric must not change the response
                self._log_failure(error)

    def _log_failure(self, error: Exception) -> None:
        """Log an error of a reporter, once a minute at most: it may come with every request."""
        now = time()
        if not self._failed_at <= now < self._failed_at + FAILURE_LOG_SECONDS:
            self._failed_at = now
            log.error("a request could not be logged or counted", exc_info=error)

    def report_malformed(self, status: int, request_id: str) -> None:
        """Reporter of a request that never reached the application, for nobody could read it."""
        seen = RequestContext()
        seen.request_id = request_id
        self.tell(RequestRecord(NO_RESPONSE, seen, 0.0, is_cold=False), status)


def init_request_log(app: Flask, tell: Iterable[Reporter]) -> None:
    """Have all of these told of each request of the app."""
    request_log = RequestLog(app.wsgi_app, tell)
    app.extensions["request_log"] = request_log
    app.wsgi_app = request_log  # type: ignore[method-assign]


def context_from_environ(environ: "WSGIEnvironment") -> RequestContext:
    """The request's ids: one is made where it has none, and what Lambda says of the trace comes first."""
    seen = RequestContext()
    seen.request_id = environ.get(REQUEST_ID) or environ.setdefault(REQUEST_ID, str(uuid4()))
    if "HTTP_TRACEPARENT" in environ and (parent := valid_traceparent(environ["HTTP_TRACEPARENT"])):
        seen.traceparent, seen.trace_id = parent, parent[3:35]
    xray = environ.get(XRAY) or environ.get("HTTP_X_AMZN_TRACE_ID")
    if xray and (root := xray_root(xray)):
        seen.xray, seen.trace_id = xray, root
    return seen


@cache  # there are as many as routes, their methods, and statuses
def labels_for(method: str, rule: str, endpoint: str, status: str, cached: str) -> RequestLabels:
    """Name what requests of a kind have in common; `/news` and `/news/` are one route."""
    route = f"{'GET' if method == 'HEAD' else method} {rule.rstrip('/') or '/'}" if rule else NONE
    return RequestLabels(
        endpoint.rpartition(".")[0], method, route, int(status[:3]), f"{status[0]}xx", cached
    )


@cache  # so that each is made once
def with_status(kind: RequestLabels, status: int) -> RequestLabels:
    """Requests of a kind whose answer the server exchanged for one with this status."""
    return replace(kind, status=status, status_class=f"{status // 100}xx", cache="")


NO_RESPONSE = labels_for("", "", "", "500 Internal Server Error", "")
"""Of what the app left without an answer: this is what the server says then."""
