"""gunicorn's gevent worker, with a time limit for each request and with errors as problem details.

The arbiter imports this module before a worker patches the standard library for gevent. Modules that hold
sockets or locks are therefore imported in functions, which run in the worker.
"""

import logging
import os
import time
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from socket import SHUT_RD
from types import SimpleNamespace, TracebackType
from typing import Any
from uuid import uuid4

import gevent
from gevent.server import StreamServer
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from shared.constants import INTERNAL_ERROR_DETAIL, MULTIPROC_DIR
from shared.observability.context import CURRENT_CONTEXT, RequestContext

log = logging.getLogger(__name__)

IDLE_SECONDS = 2.0
"""Seconds that a connection may be idle while its worker stops or has no free connection."""

DRAIN_BYTES = 1024 * 1024
"""Bytes of a rejected request that are read, so that the client can read the response."""

MAX_ACCEPT = 2
"""Connections that one of several workers accepts per event loop iteration. The others are left to the other
workers. With 1, as in GeventWorker, five workers serve 5 % fewer new connections. With 4, the 99th percentile
of the response time is higher."""

STATUSES = {
    errors.ConfigurationProblem: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
"""Status codes for errors of gunicorn's parser. All other errors get 400."""


class Server(StreamServer):  # type: ignore[misc]  # gevent has no types
    """Accepts the connections of a worker."""

    def close(self) -> None:
        """Accept the connections that wait in the backlog, then close the listener."""
        with suppress(OSError):
            while self.started and not self.full() and (accepted := self.do_read()):
                self.do_handle(*accepted)
        super().close()


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves each connection in a greenlet."""

    wsgi: Any
    slot: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._servers: list[Server] = []
        self._idle: dict[Any, float] = {}  # when each idle connection began to wait

    def load_wsgi(self) -> None:
        """Load the app and wrap it in the middleware for gunicorn."""
        from shared.gunicorn.request_body import read_body_first  # noqa: PLC0415

        gevent.get_hub().print_exception = _log_exception
        folder = os.environ.get(MULTIPROC_DIR)
        if folder:
            from shared.observability.prometheus import MetricsListener, set_process_identifier  # noqa: PLC0415

            set_process_identifier(self.slot)
        super().load_wsgi()
        extensions = getattr(self.wsgi, "extensions", {})
        self._request_log = extensions.get("request_log")
        self.wsgi = read_body_first(self.wsgi)
        if folder and "settings" in extensions:
            settings = extensions["settings"]
            port = int((settings.metrics_bind or ":0").rpartition(":")[2])
            self.wsgi = MetricsListener(self.wsgi, port, settings.metrics_path, folder)

    def server_class(self, listener: Any, spawn: Any, **_: Any) -> Server:
        """Return the server for a listener. gunicorn calls this once for each address in `--bind`."""
        address = listener.getsockname()
        named = SimpleNamespace(getsockname=lambda: address)  # gunicorn uses it after the listener is closed
        server = Server(listener, partial(self.handle, named), spawn=spawn)
        if self.cfg.workers > 1:
            server.max_accept = MAX_ACCEPT
        self._servers.append(server)
        return server

    def notify(self) -> None:
        """Report that the worker is alive, and close idle connections if needed. Called once a second."""
        super().notify()
        if self.alive and not any(server.full() for server in self._servers):
            return
        for sock, since in list(self._idle.items()):
            if time.monotonic() - since >= IDLE_SECONDS:
                with suppress(OSError):
                    sock.shutdown(SHUT_RD)  # gunicorn then closes it, after any request that has arrived

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection."""
        self._idle[client] = time.monotonic()
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.pop(client, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Serve a request. TIMEOUT limits its total time: reading the body, the view, sending the response.

        Raises:
            StopIteration: gunicorn must close the connection.
        """
        self._idle.pop(sock, None)
        try:
            with gevent.Timeout(self.cfg.timeout):
                super().handle_request(listener_name, req, sock, addr)
        except gevent.Timeout:
            log.warning("request took longer than %d s; connection closed", self.cfg.timeout)
            raise StopIteration from None
        self._idle[sock] = time.monotonic()
        gevent.sleep(0)  # let other greenlets run before the next request, which may already be there

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """Send a problem response for a request that failed before the app was called. Close the connection.

        The response and the log contain no data of the client.
        """
        if isinstance(exc, gevent.GreenletExit):  # the worker exits
            return
        (status, detail), request_id = _describe(exc), str(uuid4())
        ctx = RequestContext()
        ctx.request_id = request_id
        CURRENT_CONTEXT.set(ctx)  # never reset: this greenlet ends with its connection
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed in gunicorn", exc_info=exc)
        else:
            log.warning("request rejected with %d: %s", status, type(exc).__name__)
        if self._request_log:
            self._request_log.report_malformed(status, request_id)
        with suppress(OSError):
            util.write_nonblock(client, _problem_response(status, detail, request_id))
        util.close_graceful(client, max_drain=DRAIN_BYTES)


def _describe(exc: BaseException) -> tuple[HTTPStatus, str]:
    """Return the status code of an error and the detail for the client."""
    from werkzeug.exceptions import HTTPException  # noqa: PLC0415  # see above

    if isinstance(exc, HTTPException):  # of shared.gunicorn.request_body
        return HTTPStatus(exc.code or HTTPStatus.BAD_REQUEST), exc.description or ""
    if isinstance(exc, errors.ParseException):
        status = STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        return status, f"{status.description}."
    return HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR_DETAIL


def _problem_response(status: HTTPStatus, detail: str, request_id: str) -> bytes:
    from shared.web.problems import problem_outside_app  # noqa: PLC0415  # see above

    headers, body = problem_outside_app(status, detail, request_id)
    headers |= {"Content-Length": str(len(body)), "Connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode() + body


def _log_exception(
    _context: object, error_type: type[BaseException], error: BaseException, traceback: TracebackType
) -> None:
    """Log an uncaught exception of a greenlet, such as one of `accept` without free file descriptors."""
    log.error("%s in the gevent hub", error_type.__name__, exc_info=(error_type, error, traceback))
