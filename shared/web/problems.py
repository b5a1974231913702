"""Errors as problem+json (RFC 9457): domain exceptions, HTTP exceptions and unexpected ones."""

import logging
import uuid
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from shared.constants import INTERNAL_ERROR_DETAIL, PROBLEM_JSON, REQUEST_ID, RETRY_AFTER_SECONDS
from shared.errors import (
    Conflict,
    DomainError,
    FieldError,
    Forbidden,
    InvalidInput,
    KeyReused,
    NotFound,
    PreconditionMissing,
    Stale,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger(__name__)

STATUS_CODES: dict[type[DomainError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    PreconditionMissing: HTTPStatus.PRECONDITION_REQUIRED,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status code of each domain exception; 500 for the others."""


class Problem(msgspec.Struct):
    """The body of an error response. With type `about:blank`, the status code alone defines the problem."""

    title: str
    status: int
    detail: str
    request_id: str
    type: str = "about:blank"
    errors: Sequence[FieldError] | msgspec.UnsetType = msgspec.UNSET


def init_problems(app: Flask) -> None:
    """Respond to every error of the app with a problem."""
    app.register_error_handler(DomainError, _handle_domain_error)
    app.register_error_handler(HTTPException, _handle_http_exception)
    app.register_error_handler(Exception, _handle_unexpected_error)


def status_code(error: DomainError) -> HTTPStatus:
    """Return the status code for a domain exception, or the one of its base class."""
    codes = (STATUS_CODES[base] for base in type(error).__mro__ if base in STATUS_CODES)
    return next(codes, HTTPStatus.INTERNAL_SERVER_ERROR)


def request_id() -> str:
    """Return the id of the current request: the platform's id, or a new UUID."""
    return str(request.environ.setdefault(REQUEST_ID, str(uuid.uuid4())))


def problem(status: int, detail: str, errors: Sequence[FieldError] = ()) -> Response:
    """Return a problem as the response to the current request."""
    return Response(_encode(status, detail, request_id(), errors), status, content_type=PROBLEM_JSON)


def problem_outside_app(status: int, detail: str, request_id: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a problem that the Lambda adapter or gunicorn sends without the app.

    The headers are those that `add_security_headers` adds to the problems of the app.
    """
    headers = {
        "Content-Type": PROBLEM_JSON,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return headers, _encode(status, detail, request_id)


def _encode(status: int, detail: str, request_id: str, errors: Sequence[FieldError] = ()) -> bytes:
    title = HTTP_STATUS_CODES[status]
    return msgspec.json.encode(Problem(title, status, detail, request_id, errors=errors or msgspec.UNSET))


def _handle_domain_error(error: DomainError) -> Response:
    errors = error.errors if isinstance(error, InvalidInput) else ()
    response = problem(status_code(error), str(error), errors)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = _challenge(error.code, error.scope)
    elif isinstance(error, Forbidden):
        response.headers["WWW-Authenticate"] = _challenge("insufficient_scope", error.scope)
    elif isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _challenge(code: str, scope: str | None) -> str:
    """Return the value of WWW-Authenticate (RFC 6750, section 3)."""
    parts = {"error": code, "scope": scope}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)


def _handle_http_exception(error: HTTPException) -> Response:
    original = error.get_response()
    response = problem(original.status_code, error.description or "")
    for name, value in original.headers:
        if name not in {"Content-Type", "Content-Length"}:  # Allow, Retry-After, WWW-Authenticate
            response.headers.add(name, value)
    return response


def _handle_unexpected_error(error: Exception) -> Response:
    log.error("request %s failed: %s", request_id(), request.url_rule, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR_DETAIL)
