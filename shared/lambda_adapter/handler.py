"""A Flask app as a Lambda function: serverless-wsgi, with its input and its output put right.

Whatever kind of event comes, serverless-wsgi is handed the one that it handles well, a small payload 2.0; the
app gets the environ of a WSGI server; and its answer is taken before serverless-wsgi can change it.
"""

import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import serverless_wsgi
from flask import Flask
from werkzeug.datastructures import Headers

from shared.config.settings import xray_of_invocation
from shared.constants import CLAIMS, DEFERRED_RECORDS, INTERNAL_ERROR_DETAIL, REQUEST_ID, XRAY
from shared.lambda_adapter.events import Source, is_warm_up, source_of
from shared.lambda_adapter.fields import Event
from shared.lambda_adapter.requests import HttpRequest
from shared.lambda_adapter.responses import LambdaResponse, build_response, is_longer_than, problem_response
from shared.observability.context import CURRENT_CONTEXT
from shared.observability.request_log import context_from_environ
from shared.web.mount import Mount

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from shared.observability.request_log import RequestLog, RequestRecord

log = logging.getLogger(__name__)

UNREADABLE = "The request can't be read; the log has the reason."

PLACEHOLDERS = Headers(
    {"Host": "lambda", "Content-Type": "", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}
)
"""What serverless-wsgi looks up, to find it: each header that is not there costs an exception."""


def make_handler(app: Flask, base_path: str = "") -> Callable[[Any, Any], Event]:
    """Return the Lambda handler of an app, for every source of HTTP events.

    Args:
        app: any Flask app, with all its routes.
        base_path: where the public URLs have the app, e.g. `v1`; `/`: at the root of every host; empty: at
            the root, and below the stage on API Gateway's own domain.

    Returns:
        A function of event and context. It raises NotHttp for an event that is no HTTP request.
    """
    adapter = _Adapter(app, base_path)

    def handler(event: Any, context: Any) -> Event:
        ids = _ids(context)
        token = CURRENT_CONTEXT.set(context_from_environ(ids))  # for every line that is logged from here on
        try:
            return {} if is_warm_up(event) else adapter.respond(event, context, ids)
        finally:
            CURRENT_CONTEXT.reset(token)

    return handler


class _Adapter:
    """Passes the requests in HTTP events to an app."""

    def __init__(self, app: Flask, base_path: str) -> None:
        self._app = app
        self._mount = Mount(app, base_path)
        self._request_log: RequestLog | None = app.extensions.get("request_log")

    def respond(self, event: Any, context: Any, ids: dict[str, str]) -> Event:
        """Return the response to an event, in the form that its source wants."""
        source, request_id = source_of(event), ids[REQUEST_ID]
        try:
            request = source.read(event, self._mount)
        except ValueError as error:  # MalformedEvent, or what neither base64 nor UTF-8 can hold
            return self._refuse(source, error, request_id)
        held: list[RequestRecord] = []
        extra = {**ids, DEFERRED_RECORDS: held, "serverless.event": event}
        answer = _within_limit(source, _ask(self._app, request, extra, context), request_id)
        if self._request_log and held:
            self._request_log.tell(held[0], answer["statusCode"])
        return answer

    def _refuse(self, source: Source, error: ValueError, request_id: str) -> Event:
        log.warning("request %s is malformed (%s): %s", request_id, source.name, error)
        if self._request_log:
            self._request_log.report_malformed(HTTPStatus.BAD_REQUEST, request_id)
        return source.write(problem_response(HTTPStatus.BAD_REQUEST, UNREADABLE, request_id))


def _ids(context: Any) -> dict[str, str]:
    """Return the ids of an invocation for the environ; Lambda's own log has the same request id."""
    request_id = getattr(context, "aws_request_id", None) or uuid.uuid4()
    return {REQUEST_ID: str(request_id), XRAY: xray_of_invocation()}


def _ask(app: Flask, request: HttpRequest, extra: dict[str, Any], context: Any) -> LambdaResponse:
    call = _WsgiCall(app, request, extra)
    try:
        with suppress(_ResponseCaptured):
            serverless_wsgi.handle_request(call, _minimal_event(request), context)
        return build_response(request.method, call.status, call.headers, b"".join(call.chunks))
    except Exception:
        request_id = extra[REQUEST_ID]
        log.exception("request %s failed", request_id)
        problem = problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR_DETAIL, request_id)
        return build_response(request.method, problem.status, problem.headers, problem.body)


def _within_limit(source: Source, answer: LambdaResponse, request_id: str) -> Event:
    written = source.write(answer)
    if not is_longer_than(source.limit, written):
        return written
    log.error("request %s failed: the answer is over the limit of %d bytes", request_id, source.limit)
    return source.write(problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR_DETAIL, request_id))


def _minimal_event(request: HttpRequest) -> Event:
    """The event that serverless-wsgi gets; what it would get wrong is left to `_WsgiCall`."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": request.query,
        "headers": PLACEHOLDERS,
        "body": request.body,
        "requestContext": {"http": {"method": request.method, "sourceIp": request.client}},
    }


class _ResponseCaptured(Exception):
    """The app has answered; serverless-wsgi must not go on, for it would change the answer."""


class _WsgiCall:
    """The app as serverless-wsgi sees it: completes the environ, and keeps the answer."""

    def __init__(self, app: Flask, request: HttpRequest, extra: dict[str, Any]) -> None:
        self._app = app
        self._request = request
        self._extra = extra
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []

    def __call__(self, environ: "WSGIEnvironment", _start_response: "StartResponse") -> NoReturn:
        self._complete(environ)
        body = self._app(environ, self._start)
        try:
            self.chunks.extend(body)
        finally:
            if hasattr(body, "close"):
                body.close()
        raise _ResponseCaptured

    def _start(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return self.chunks.append

    def _complete(self, environ: "WSGIEnvironment") -> None:
        """Give the environ what gunicorn would have put there, and what the platform knows."""
        request, headers = self._request, self._request.headers
        del environ["HTTP_HOST"], environ["HTTP_X_FORWARDED_PORT"], environ["HTTP_X_FORWARDED_PROTO"]
        del environ["HTTP_COOKIE"], environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]
        # Who the caller is has one name here, and one place that decides what counts as verified.
        del environ["REMOTE_USER"], environ["serverless.authorizer"]
        environ.update(headers)
        environ.update(self._extra)
        environ["SCRIPT_NAME"] = request.root
        environ["PATH_INFO"] = request.path
        environ["wsgi.url_scheme"] = "http" if headers.get("HTTP_X_FORWARDED_PROTO") == "http" else "https"
        environ["wsgi.input_terminated"] = True  # the body is whole, whatever Transfer-Encoding says
        if request.claims:
            environ[CLAIMS] = request.claims
        if request.body or "CONTENT_LENGTH" in headers:
            environ["CONTENT_LENGTH"] = str(len(request.body))
