"""The Lambda handler of a Flask app: serverless-wsgi, with corrected input and output.

serverless-wsgi gets a minimal payload 2.0 for every event, since it handles that one correctly. `_WsgiCall`
completes the WSGI environ, and captures the response of the app before serverless-wsgi changes it.
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

from shared.config.settings import lambda_trace_header
from shared.constants import CLAIMS, DEFERRED_RECORDS, INTERNAL_ERROR_DETAIL, REQUEST_ID, XRAY
from shared.lambda_adapter.events import Source, identify_source, is_warm_up
from shared.lambda_adapter.fields import Event
from shared.lambda_adapter.requests import HttpRequest
from shared.lambda_adapter.responses import LambdaResponse, build_response, exceeds_limit, problem_response
from shared.observability.context import CURRENT_CONTEXT
from shared.observability.request_log import context_from_environ
from shared.web.mount import Mount

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from shared.observability.request_log import RequestLog, RequestRecord

log = logging.getLogger(__name__)

MALFORMED_REQUEST_DETAIL = "Malformed request. Quote request_id when you report it."

PLACEHOLDERS = Headers(
    {"Host": "lambda", "Content-Type": "", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}
)
"""Headers that serverless-wsgi looks up. Each missing one costs an exception."""


def make_handler(app: Flask, base_path: str = "") -> Callable[[Any, Any], Event]:
    """Return the Lambda handler of a Flask app, for all sources of HTTP events.

    Args:
        app: The app, with all its routes.
        base_path: The path of the app in public URLs, such as `v1`. `/`: the root of every host. Empty: the
            root, and the stage on API Gateway's own domain.

    Returns:
        A function of event and context. It raises NotHttp for events that are not HTTP requests.
    """
    adapter = _Adapter(app, base_path)

    def handler(event: Any, context: Any) -> Event:
        ids = _invocation_ids(context)
        token = CURRENT_CONTEXT.set(context_from_environ(ids))  # for all log lines of the invocation
        try:
            return {} if is_warm_up(event) else adapter.handle(event, context, ids)
        finally:
            CURRENT_CONTEXT.reset(token)

    return handler


class _Adapter:
    """Converts HTTP events to requests to the app, and the responses back."""

    def __init__(self, app: Flask, base_path: str) -> None:
        self._app = app
        self._mount = Mount(app, base_path)
        self._request_log: RequestLog | None = app.extensions.get("request_log")

    def handle(self, event: Any, context: Any, ids: dict[str, str]) -> Event:
        """Return the response to an event, in the format of its source."""
        source, request_id = identify_source(event), ids[REQUEST_ID]
        try:
            request = source.read_request(event, self._mount)
        except ValueError as error:  # MalformedEvent, invalid base64, or a lone surrogate
            return self._reject(source, error, request_id)
        records: list[RequestRecord] = []
        extra = {**ids, DEFERRED_RECORDS: records, "serverless.event": event}
        response = _call_app(self._app, request, extra, context)
        formatted = _format_response(source, response, request_id)
        if self._request_log and records:
            self._request_log.report(records[0], formatted["statusCode"])
        return formatted

    def _reject(self, source: Source, error: ValueError, request_id: str) -> Event:
        log.warning("malformed request %s from %s: %s", request_id, source.name, error)
        if self._request_log:
            self._request_log.report_malformed(HTTPStatus.BAD_REQUEST, request_id)
        return source.format_response(
            problem_response(HTTPStatus.BAD_REQUEST, MALFORMED_REQUEST_DETAIL, request_id)
        )


def _invocation_ids(context: Any) -> dict[str, str]:
    """Return the ids of an invocation by environ key. Lambda's own log has the same request id."""
    request_id = getattr(context, "aws_request_id", None) or uuid.uuid4()
    return {REQUEST_ID: str(request_id), XRAY: lambda_trace_header()}


def _call_app(app: Flask, request: HttpRequest, extra: dict[str, Any], context: Any) -> LambdaResponse:
    """Return the response of the app, or a problem with status 500 if the app raises."""
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


def _format_response(source: Source, response: LambdaResponse, request_id: str) -> Event:
    """Return the response in the format of the source, or a problem if it exceeds the source's limit."""
    formatted, max_bytes = source.format_response(response), source.max_response_bytes
    if not exceeds_limit(formatted, max_bytes):
        return formatted
    log.error("request %s failed: the response exceeds the limit of %d bytes", request_id, max_bytes)
    problem = problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR_DETAIL, request_id)
    return source.format_response(problem)


def _minimal_event(request: HttpRequest) -> Event:
    """Return the event for serverless-wsgi, with the fields that it handles correctly."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": request.query,
        "headers": PLACEHOLDERS,
        "body": request.body,
        "requestContext": {"http": {"method": request.method, "sourceIp": request.client_address}},
    }


class _ResponseCaptured(Exception):
    """Stops serverless-wsgi once the app has responded, since it would change the response."""


class _WsgiCall:
    """The WSGI app that serverless-wsgi calls. It completes the environ, and captures the response."""

    def __init__(self, app: Flask, request: HttpRequest, extra: dict[str, Any]) -> None:
        self._app = app
        self._request = request
        self._extra = extra
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []

    def __call__(self, environ: "WSGIEnvironment", _start_response: "StartResponse") -> NoReturn:
        self._complete_environ(environ)
        body = self._app(environ, self._start_response)
        try:
            self.chunks.extend(body)
        finally:
            if hasattr(body, "close"):
                body.close()
        raise _ResponseCaptured

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return self.chunks.append

    def _complete_environ(self, environ: "WSGIEnvironment") -> None:
        """Set the environ as gunicorn does, and add what the platform has verified."""
        request, headers = self._request, self._request.headers
        del environ["HTTP_HOST"], environ["HTTP_X_FORWARDED_PORT"], environ["HTTP_X_FORWARDED_PROTO"]
        del environ["HTTP_COOKIE"], environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]
        # The app reads verified claims from CLAIMS only; see caller.py.
        del environ["REMOTE_USER"], environ["serverless.authorizer"]
        environ.update(headers)
        environ.update(self._extra)
        environ["SCRIPT_NAME"] = request.root
        environ["PATH_INFO"] = request.path
        environ["wsgi.url_scheme"] = "http" if headers.get("HTTP_X_FORWARDED_PROTO") == "http" else "https"
        environ["wsgi.input_terminated"] = True  # the body is complete, even with Transfer-Encoding: chunked
        if request.claims:
            environ[CLAIMS] = request.claims
        if request.body or "CONTENT_LENGTH" in headers:
            environ["CONTENT_LENGTH"] = str(len(request.body))
