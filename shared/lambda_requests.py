"""The HTTP request in an event, read by one function for each kind of event."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from shared.lambda_fields import (
    Event,
    MalformedEvent,
    body_in,
    claims_1,
    claims_2,
    decoded_query_in,
    headers_in,
    object_in,
    raw_query_in,
    text_in,
)

METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A method is a token (RFC 9110, section 9.1)."""

NO_ADDRESS = "0.0.0.0"  # noqa: S104  # nosec B104  # nothing is bound to it
"""The caller's address where the event names none: the unspecified one (RFC 6890, section 2.2.2)."""


class HttpRequest(NamedTuple):
    """A request, whatever event it came in.

    Attributes:
        method: as sent.
        root: what of the public path lies before the app's own, e.g. `/dev`; mostly empty.
        path: the app's own part of the path, decoded; as in all of WSGI, each character stands for a byte.
        query: the query string, encoded.
        headers: as they go into the environ, e.g. `HTTP_HOST`.
        body: as the client sent it.
        client: the caller's address.
        claims: what the source has verified about the caller; empty where it has verified nothing.
    """

    method: str
    root: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str
    claims: Event


def http_api_2(event: Event, base_path: str) -> HttpRequest:
    """HTTP API, payload 2.0: `rawPath` comes decoded, with a named stage, and without an API mapping's key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context, headers = object_in(event, "requestContext"), headers_in(event)
    path, stage = _split(_path(event, "rawPath"), _stage(context))
    root = stage if _on_execute_api(headers) else base_path
    return _payload_2(event, context, headers, root, path.encode())


def function_url(event: Event, _base_path: str) -> HttpRequest:
    """Function URL: like payload 2.0, but `rawPath` comes encoded, and nothing can be put before it.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    context = object_in(event, "requestContext")
    return _payload_2(event, context, headers_in(event), "", unquote_to_bytes(_path(event, "rawPath")))


def http_api_1(event: Event, base_path: str) -> HttpRequest:
    """HTTP API, payload 1.0: `path` comes decoded, with a named stage, or else with an API mapping's key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context, headers = object_in(event, "requestContext"), headers_in(event)
    start = _stage(context) if _on_execute_api(headers) else base_path
    path, root = _split(_path(event, "path"), start)
    return _payload_1(event, context, headers, root, path.encode())


def rest_api(event: Event, base_path: str) -> HttpRequest:
    """REST API: `path` comes encoded, without the stage, but with a base path mapping's key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    context, headers = object_in(event, "requestContext"), headers_in(event)
    path = _path(event, "path")
    if _on_execute_api(headers):
        root = _stage(context)
    else:
        path, root = _split(path, base_path)
    return _payload_1(event, context, headers, root, unquote_to_bytes(path))


def alb(event: Event, base_path: str) -> HttpRequest:
    """Load balancer: path and query come encoded, and the caller is not verified.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    headers = headers_in(event)
    path, root = _split(_path(event, "path"), base_path)
    # The last address is the one that the load balancer saw; those before it are the client's word.
    client = headers.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    return HttpRequest(
        _method(event, "httpMethod"),
        root,
        unquote_to_bytes(path).decode("latin-1"),
        raw_query_in(event),
        headers,
        body_in(event),
        client or NO_ADDRESS,
        claims={},
    )


def _payload_2(event: Event, context: Event, headers: dict[str, str], root: str, path: bytes) -> HttpRequest:
    http = object_in(context, "http")
    return HttpRequest(
        _method(http, "method"),
        root,
        path.decode("latin-1"),
        text_in(event, "rawQueryString"),
        headers,
        body_in(event),
        text_in(http, "sourceIp") or NO_ADDRESS,
        claims_2(context),
    )


def _payload_1(event: Event, context: Event, headers: dict[str, str], root: str, path: bytes) -> HttpRequest:
    return HttpRequest(
        _method(event, "httpMethod"),
        root,
        path.decode("latin-1"),
        decoded_query_in(event),
        headers,
        body_in(event),
        text_in(object_in(context, "identity"), "sourceIp") or NO_ADDRESS,
        claims_1(context),
    )


def _path(event: Event, name: str) -> str:
    path = event.get(name)
    if not isinstance(path, str):
        raise MalformedEvent(f"{name} is no string")
    return path if path.startswith("/") else "/" + path


def _method(parent: Event, name: str) -> str:
    method = text_in(parent, name)
    if not METHOD.fullmatch(method):
        raise MalformedEvent(f"{name} is no method of HTTP")
    return method


def _stage(context: Event) -> str:
    """The stage as the start of a path; `$default` never is one."""
    stage = text_in(context, "stage")
    return "" if stage in {"", "$default"} else "/" + stage


def _on_execute_api(headers: dict[str, str]) -> bool:
    """Whether the client used API Gateway's own domain: its URLs have the stage, and no mapping's key."""
    return ".execute-api." in headers.get("HTTP_HOST", "")


def _split(path: str, start: str) -> tuple[str, str]:
    """The path without that start, and the start; or the path as it is, where it starts otherwise."""
    if start and (path + "/").startswith(start + "/"):
        return path[len(start) :] or "/", start
    return path, ""
