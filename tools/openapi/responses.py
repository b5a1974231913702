"""Responses in the OpenAPI document: those of the service, and the errors of API Gateway itself."""

from typing import Any

import msgspec
from werkzeug.http import HTTP_STATUS_CODES

from shared.constants import PROBLEM_JSON
from shared.web.problems import Problem
from tools.openapi.operations import Response

PROBLEM_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "The authentication scheme, and the error if the token is invalid (RFC 6750)."},
    403: {"WWW-Authenticate": "The required scope (RFC 6750)."},
}
RATE_LIMIT = {
    "RateLimit-Policy": "The quota `q` of requests in a window of `w` seconds, if requests are limited.",
    "RateLimit": "The requests `r` that remain in the next `t` seconds, if requests are limited.",
}
"""Headers of draft-ietf-httpapi-ratelimit-headers. A response of API Gateway itself has none."""
OPTIONAL_PROBLEM_HEADERS: dict[int, dict[str, str]] = {
    429: RATE_LIMIT
    | {"Retry-After": "Seconds to wait before a retry. A response of API Gateway itself has none."},
    503: {"Retry-After": "Seconds to wait before a retry. A response of API Gateway itself has none."},
}
GATEWAY_MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    429: "Too Many Requests",
    503: "Service Unavailable",
}
"""The errors that API Gateway returns without calling the function. It also returns 404 for unknown paths.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""
GATEWAY_ERROR = "GatewayError"
GATEWAY_ERROR_SCHEMA = {
    "type": "object",
    "description": "An error of API Gateway itself, without a call of the service.",
    "properties": {"message": {"type": "string"}},
    "required": ["message"],
}


def document_response(status: int, response: Response, content: dict[str, Any]) -> dict[str, Any]:
    """Return a response of the document.

    Args:
        status: the status code.
        response: its headers.
        content: its body by media type.
    """
    headers = {name: (text, True) for name, text in response.headers.items()}
    headers |= {name: (text, False) for name, text in response.optional_headers.items()}
    documented: dict[str, Any] = {"description": HTTP_STATUS_CODES[status]}
    if headers:
        documented["headers"] = {
            name: {"description": text, "required": required, "schema": {"type": "string"}}
            for name, (text, required) in headers.items()
        }
    if content:
        documented["content"] = content
    return documented


def document_errors(statuses: set[int], *, has_scope: bool) -> dict[str, Any]:
    """Return the error responses of an operation, by status code.

    Args:
        statuses: the status codes of the service.
        has_scope: whether the operation needs a token, which API Gateway verifies.
    """
    of_gateway = {429, 503} | ({401, 403} if has_scope else set())
    errors = {}
    for status in statuses | of_gateway:
        content = {PROBLEM_JSON: _problem(status)} if status in statuses else {}
        if status in of_gateway:
            content["application/json"] = _gateway_error(status)
        headers = [each.get(status, {}) for each in (PROBLEM_HEADERS, OPTIONAL_PROBLEM_HEADERS)]
        response = Response(None, *headers) if status in statuses else Response(None)
        errors[str(status)] = document_response(status, response, content)
    return errors


def _problem(status: int) -> dict[str, Any]:
    title = HTTP_STATUS_CODES[status]
    example = Problem(title, status, "The reason for the error.", "831c0e63-5a0a-49d9-abdf-e7d770b56e7b")
    return {"schema": reference(Problem.__name__), "example": msgspec.to_builtins(example)}


def _gateway_error(status: int) -> dict[str, Any]:
    return {"schema": reference(GATEWAY_ERROR), "example": {"message": GATEWAY_MESSAGES[status]}}


def reference(schema: str) -> dict[str, str]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{schema}"}
