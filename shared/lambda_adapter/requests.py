"""The HTTP request in an event, with one function per source."""

import re
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from shared.lambda_adapter.caller import claims_v1, claims_v2, drop_verified_signature, parse_address
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

METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token (RFC 9110, section 9.1)


class HttpRequest(Struct, frozen=True):
    """An HTTP request, independent of its source.

    Attributes:
        method: The method, as sent.
        root: SCRIPT_NAME: the part of the public path before the app's routes, such as `/dev`; often empty.
        path: PATH_INFO: the rest of the path, decoded, with one character per byte (PEP 3333).
        query: The query string, encoded.
        headers: The headers by environ key, such as `HTTP_HOST`.
        body: The body, as the client sent it.
        client_address: The caller's IP address.
        claims: The claims that the source has verified; empty if there are none.
    """

    method: str
    root: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client_address: str
    claims: Event


def from_http_api_v2(event: Event, mount: Mount) -> HttpRequest:
    """Read payload 2.0 of an HTTP API: `rawPath` is decoded, with the stage, and without an API mapping key.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    stage = _stage_prefix(context)
    _, path = _split_stage(mount, _read_decoded_path(event, "rawPath"), headers, stage)
    root, path = _split_root(mount, path, headers, stage, custom_root=mount.base_path)
    return _from_payload_v2(event, context, headers, root, path)


def from_function_url(event: Event, mount: Mount) -> HttpRequest:
    """Read an event of a function URL: as payload 2.0, but `rawPath` is encoded, and there is no stage.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    path = _read_encoded_path(event, "rawPath")
    root, path = mount.split(path, mount.base_path)
    return _from_payload_v2(event, context, headers, root, path)


def from_http_api_v1(event: Event, mount: Mount) -> HttpRequest:
    """Read payload 1.0 of an HTTP API: `path` is decoded, with an API mapping key or else with the stage.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    stage = _stage_prefix(context)
    prefix, path = _split_stage(mount, _read_decoded_path(event, "path"), headers, stage)
    mapping = prefix if prefix == mount.base_path else ""  # a mapping key with the name of the stage
    root, path = _split_root(mount, path, headers, stage, custom_root=mapping)
    return _from_payload_v1(event, context, headers, root, path)


def from_rest_api(event: Event, mount: Mount) -> HttpRequest:
    """Read an event of a REST API: `path` is encoded, with a base path mapping key, and without the stage.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    context, headers = get_object(event, "requestContext"), get_headers(event)
    headers.pop("HTTP_ACCEPT_ENCODING", None)  # gzip would need binaryMediaTypes, or arrive as base64 text
    path = _read_encoded_path(event, "path")
    root, path = _split_root(mount, path, headers, _stage_prefix(context))
    return _from_payload_v1(event, context, headers, root, path)


def from_alb(event: Event, mount: Mount) -> HttpRequest:
    """Read an event of a load balancer: path and query are encoded, and the caller is not verified.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    headers = get_headers(event)
    path = _read_encoded_path(event, "path")
    root, path = mount.split(path, mount.base_path)
    # The load balancer appends the address that it sees. Clients can forge those before it.
    client_address = headers.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2]
    return HttpRequest(
        _read_method(event, "httpMethod"),
        root,
        path,
        get_raw_query(event),
        headers,
        get_body(event),
        parse_address(client_address),
        claims={},
    )


def _from_payload_v2(
    event: Event, context: Event, headers: dict[str, str], root: str, path: str
) -> HttpRequest:
    http = get_object(context, "http")
    return HttpRequest(
        _read_method(http, "method"),
        root,
        path,
        get_text(event, "rawQueryString"),
        drop_verified_signature(headers, context),
        get_body(event),
        parse_address(get_text(http, "sourceIp")),
        claims_v2(context),
    )


def _from_payload_v1(
    event: Event, context: Event, headers: dict[str, str], root: str, path: str
) -> HttpRequest:
    return HttpRequest(
        _read_method(event, "httpMethod"),
        root,
        path,
        get_decoded_query(event),
        drop_verified_signature(headers, context),
        get_body(event),
        parse_address(get_text(get_object(context, "identity"), "sourceIp")),
        claims_v1(context),
    )


def _read_decoded_path(event: Event, name: str) -> str:
    """Return a decoded path as a WSGI native string, with one character per byte (PEP 3333)."""
    path = _make_absolute(event.get(name), name)
    return path if path.isascii() else path.encode().decode("latin-1")


def _read_encoded_path(event: Event, name: str) -> str:
    """Return an encoded path as a WSGI native string."""
    return unquote_to_bytes(_make_absolute(event.get(name), name)).decode("latin-1")


def _make_absolute(path: object, name: str) -> str:
    if not isinstance(path, str):
        raise MalformedEvent(f"{name} is not a string")
    return path if path.startswith("/") else "/" + path


def _read_method(parent: Event, name: str) -> str:
    method = get_text(parent, name)
    if not METHOD.fullmatch(method):
        raise MalformedEvent(f"{name} is not an HTTP method")
    return method


def _stage_prefix(context: Event) -> str:
    """Return the stage as a path prefix; empty for `$default`, which no path contains."""
    stage = get_text(context, "stage")
    return "" if stage in {"", "$default"} else "/" + stage


def _split_stage(mount: Mount, path: str, headers: dict[str, str], stage: str) -> tuple[str, str]:
    """Split off the stage: always in the path on API Gateway's own domain, sometimes on a custom domain."""
    return split_prefix(path, stage) if _on_execute_api(headers) else mount.split(path, stage)


def _split_root(
    mount: Mount, path: str, headers: dict[str, str], stage: str, *, custom_root: str = ""
) -> tuple[str, str]:
    """Split the path of a request to API Gateway, without the stage, into root and path.

    If the path does not start with BASE_PATH, the root is the stage on API Gateway's own domain, and
    `custom_root` on a custom domain.
    """
    root, path = mount.split(path, mount.base_path)
    if root or mount.is_root:
        return root, path
    return (stage if _on_execute_api(headers) else custom_root), path


def _on_execute_api(headers: dict[str, str]) -> bool:
    """Return whether the host is API Gateway's own domain, where URLs start with the stage."""
    return ".execute-api." in headers.get("HTTP_HOST", "").lower()
