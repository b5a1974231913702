"""The HTTP request in an event, read by one function for each kind of event."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from shared.lambda_adapter.caller import address, claims_v1, claims_v2, without_signature
from shared.lambda_adapter.fields import (
    Event,
    MalformedEvent,
    get_body,
    get_decoded_query,
    get_headers,
    get_object,
    get_raw_query,
    get_text,
)
from shared.web.mount import Mount, split_prefix

METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A method is a token (RFC 9110, section 9.1)."""


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


def http_api_2(event: Event, mount: Mount) -> HttpRequest:
    """HTTP API, payload 2.0: `rawPath` comes decoded, with a named stage, and without an API mapping's key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    stage = _stage(context)
    _, path = _split_stage(mount, _path(event, "rawPath"), headers, stage)
    root, path = _mounted(mount, path, headers, stage, custom_root=mount.base_path)
    return _payload_2(event, context, headers, root, path)


def function_url(event: Event, mount: Mount) -> HttpRequest:
    """Function URL: like payload 2.0, but `rawPath` comes encoded, and there is no stage.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    path = _encoded_path(event, "rawPath")
    root, path = mount.split(path, mount.base_path)
    return _payload_2(event, context, headers, root, path)


def http_api_1(event: Event, mount: Mount) -> HttpRequest:
    """HTTP API, payload 1.0: `path` comes decoded, with an API mapping's key, or else with a named stage.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    stage = _stage(context)
    start, path = _split_stage(mount, _path(event, "path"), headers, stage)
    key = start if start == mount.base_path else ""  # it was not the stage, but a mapping's key of that name
    root, path = _mounted(mount, path, headers, stage, custom_root=key)
    return _payload_1(event, context, headers, root, path)


def rest_api(event: Event, mount: Mount) -> HttpRequest:
    """REST API: `path` comes encoded, without the stage, but with a base path mapping's key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    path = _encoded_path(event, "path")
    root, path = _mounted(mount, path, headers, _stage(context))
    return _payload_1(event, context, headers, root, path)


def alb(event: Event, mount: Mount) -> HttpRequest:
    """Load balancer: path and query come encoded, and the caller is not verified.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    headers = get_headers(event)
    path = _encoded_path(event, "path")
    root, path = mount.split(path, mount.base_path)
    # The last address is the one that the load balancer saw; those before it are the client's word.
    client = headers.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2]
    return HttpRequest(
        _method(event, "httpMethod"),
        root,
        path,
        get_raw_query(event),
        headers,
        get_body(event),
        address(client),
        claims={},
    )


def _payload_2(event: Event, context: Event, headers: dict[str, str], root: str, path: str) -> HttpRequest:
    http = get_object(context, "http")
    return HttpRequest(
        _method(http, "method"),
        root,
        path,
        get_text(event, "rawQueryString"),
        without_signature(headers, context),
        get_body(event),
        address(get_text(http, "sourceIp")),
        claims_v2(context),
    )


def _payload_1(event: Event, context: Event, headers: dict[str, str], root: str, path: str) -> HttpRequest:
    return HttpRequest(
        _method(event, "httpMethod"),
        root,
        path,
        get_decoded_query(event),
        without_signature(headers, context),
        get_body(event),
        address(get_text(get_object(context, "identity"), "sourceIp")),
        claims_v1(context),
    )


def _path(event: Event, name: str) -> str:
    """Return a path that comes decoded, as WSGI has it: each character stands for a byte (PEP 3333)."""
    path = _absolute(event.get(name), name)
    return path if path.isascii() else path.encode().decode("latin-1")


def _encoded_path(event: Event, name: str) -> str:
    """Return the same of a path that comes encoded."""
    return unquote_to_bytes(_absolute(event.get(name), name)).decode("latin-1")


def _absolute(path: object, name: str) -> str:
    if not isinstance(path, str):
        raise MalformedEvent(f"{name} is no string")
    return path if path.startswith("/") else "/" + path


def _method(parent: Event, name: str) -> str:
    method = get_text(parent, name)
    if not METHOD.fullmatch(method):
        raise MalformedEvent(f"{name} is no method of HTTP")
    return method


def _stage(context: Event) -> str:
    """The stage as the start of a path; `$default` never is one."""
    stage = get_text(context, "stage")
    return "" if stage in {"", "$default"} else "/" + stage


def _split_stage(mount: Mount, path: str, headers: dict[str, str], stage: str) -> tuple[str, str]:
    """Split off the stage: on its own domain API Gateway always writes it, elsewhere reports differ."""
    return split_prefix(path, stage) if _on_execute_api(headers) else mount.split(path, stage)


def _mounted(
    mount: Mount, path: str, headers: dict[str, str], stage: str, *, custom_root: str = ""
) -> tuple[str, str]:
    """Return root and path of a request to API Gateway, given the path without the stage.

    A path that does not start with BASE_PATH came by the stage's own URL, or by a custom domain, where the
    root is `custom_root`.
    """
    root, path = mount.split(path, mount.base_path)
    if root or mount.is_root:
        return root, path
    return (stage if _on_execute_api(headers) else custom_root), path


def _on_execute_api(headers: dict[str, str]) -> bool:
    """Return whether the host is API Gateway's own, public or in a VPC: its URLs start with the stage."""
    return ".execute-api." in headers.get("HTTP_HOST", "").lower()
