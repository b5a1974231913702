"""Domain errors, and how they and the framework's own become problem+json (RFC 9457).

DomainError
├── InvalidInput            400, with the fields
├── Unauthenticated         401, with WWW-Authenticate
├── Forbidden               403, with WWW-Authenticate
├── NotFound                404
├── Conflict                409
├── Stale                   412, somebody else was faster
├── PreconditionMissing     428
└── Unavailable             503, with Retry-After
"""

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from shared.constants import PROBLEM_JSON, REQUEST_ID, RETRY_AFTER_SECONDS

log = logging.getLogger(__name__)


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong with the input; `field` is empty where it is the whole of it."""

    field: str
    message: str


class DomainError(Exception):
    """An error with a meaning for the caller; its text is shown to the client."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    headers: Mapping[str, str] = {}


class InvalidInput(DomainError):
    """The input breaks a rule; the client must send something else."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.errors = [FieldError(field, message)]


class Unauthenticated(DomainError):
    """It isn't known who asks; `code` is one of RFC 6750, section 3.1, and empty where no token came."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, message: str, scope: str, code: str = "") -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": _challenge(code, scope)}


class Forbidden(DomainError):
    """Whoever asks hasn't got the scope; None: there is none that anybody could have."""

    status = HTTPStatus.FORBIDDEN

    def __init__(self, message: str, scope: str | None) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": _challenge("insufficient_scope", scope)}


class NotFound(DomainError):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND


class Conflict(DomainError):
    """Another thing stands in the way of this one."""

    status = HTTPStatus.CONFLICT


class Stale(DomainError):
    """The thing was changed since the caller read it."""

    status = HTTPStatus.PRECONDITION_FAILED


class PreconditionMissing(DomainError):
    """The caller has to say which version is meant (RFC 6585, section 3)."""

    status = HTTPStatus.PRECONDITION_REQUIRED


class Unavailable(DomainError):
    """A service that this one needs is out of reach or over its limit; trying again later may help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}  # noqa: RUF012  # nobody changes it


class Problem(msgspec.Struct):
    """The body of every error; `about:blank` says that the status is all there is to the type."""

    title: str
    status: int
    detail: str
    request_id: str
    type: str = "about:blank"
    errors: Sequence[FieldError] | msgspec.UnsetType = msgspec.UNSET


def init_errors(app: Flask) -> None:
    """Answer every error of the app with a problem."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)


def request_id() -> str:
    """The id of the current request: the platform's, else one made for it."""
    return str(request.environ.setdefault(REQUEST_ID, str(uuid.uuid4())))


def problem_body(status: int, detail: str, request_id: str, errors: Sequence[FieldError] = ()) -> bytes:
    """Return the body of an error response, for the app, the Lambda adapter and the server alike."""
    title = HTTP_STATUS_CODES[status]
    return msgspec.json.encode(Problem(title, status, detail, request_id, errors=errors or msgspec.UNSET))


def problem(status: int, detail: str, errors: Sequence[FieldError] = ()) -> Response:
    """Return a response that says what went wrong with the current request."""
    body = problem_body(status, detail, request_id(), errors)
    return Response(body, status, content_type=PROBLEM_JSON)


def _domain_error(error: DomainError) -> Response:
    answer = problem(error.status, str(error), getattr(error, "errors", ()))
    answer.headers.update(error.headers)
    return answer


def _challenge(code: str, scope: str | None) -> str:
    """WWW-Authenticate, as RFC 6750, section 3, has it."""
    parts = {"error": code, "scope": scope}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)


def _http_error(error: HTTPException) -> Response:
    given = error.get_response()
    answer = problem(given.status_code, error.description or "")
    for name, value in given.headers:
        if name not in {"Content-Type", "Content-Length"}:  # Allow, Retry-After, WWW-Authenticate
            answer.headers.add(name, value)
    return answer


def _unexpected_error(error: Exception) -> Response:
    log.error("request %s failed: %s", request_id(), request.url_rule, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; the log has the reason.")
