"""Builders for the events of each source of HTTP requests, and the response that the client receives.

They follow the AWS documentation that each docstring links to, not the code under test.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from .event_payloads import (  # relative, because benchmarks import tests.support
    Event,
    Request,
    alb_event,
    alb_headers,
    alb_query,
    group_by_name,
    last_values,
    payload_1,
    payload_2,
)


@dataclass(frozen=True)
class Response:
    """A response as the client receives it: header names in lowercase, and cookies apart."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes = field(repr=False)


def http_api_2(request: Request, stage: str = "$default", authorizer: Event | None = None) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

    "Duplicate headers are combined with commas"; all names are in lowercase; cookies are a list. The path is
    decoded, as in live events; AWS does not document it.
    """
    path = unquote(request.path)
    raw_path = path if stage == "$default" else f"/{stage}{path}"
    return payload_2(request, raw_path, stage, authorizer, domain=request.host)


def function_url(request: Request, authorizer: Event | None = None) -> Event:
    """https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads

    As payload 2.0, but the path is encoded.
    """
    return payload_2(
        request, request.path, "$default", authorizer, domain="abc123.lambda-url.eu-central-1.on.aws"
    )


def http_api_1(
    request: Request, stage: str = "$default", mapping: str = "", authorizer: Event | None = None
) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

    The event has `version`, and the path is decoded. "Use format 1.0 and path to access the API mapping".
    """
    prefix = mapping or ("" if stage == "$default" else f"/{stage}")
    path = prefix + unquote(request.path)
    return {"version": "1.0"} | payload_1(request, path, path, stage, authorizer)


def rest_api(
    request: Request, stage: str = "prod", mapping: str = "", authorizer: Event | None = None
) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html

    Only `requestContext.path` contains the stage; both paths contain the key of a base path mapping.
    """
    if mapping:
        return payload_1(request, mapping + request.path, mapping + request.path, stage, authorizer)
    return payload_1(request, request.path, f"/{stage}{request.path}", stage, authorizer)


def alb(request: Request) -> Event:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html

    "If the query parameters are URL-encoded, the load balancer does not decode them"; of several values of
    one name it "uses the last value sent by the client".
    """
    parts = {
        "headers": last_values(alb_headers(request)),
        "queryStringParameters": last_values(alb_query(request)),
    }
    return alb_event(request) | parts


def alb_multi_value(request: Request) -> Event:
    """Return the event of a load balancer with multi-value headers (#multi-value-headers on that page)."""
    return alb_event(request) | {
        "multiValueHeaders": alb_headers(request),
        "multiValueQueryStringParameters": alb_query(request),
    }


ENCODERS: dict[str, Callable[[Request], Event]] = {
    "HTTP API, payload 2.0": http_api_2,
    "HTTP API, payload 1.0": http_api_1,
    "REST API": rest_api,
    "load balancer": alb,
    "load balancer, multi-value": alb_multi_value,
    "Function URL": function_url,
}

SERVER_HEADERS = {"connection", "date", "server", "transfer-encoding", "content-length"}
"""Headers that the server in front of the app sets."""


def parse_response(response: Event) -> Response:
    """Return the response that the client receives. Each source reads some of these keys (pages as above)."""
    fields = [(name, value) for name, value in response.get("headers", {}).items()]
    fields += [(name, v) for name, values in response.get("multiValueHeaders", {}).items() for v in values]
    fields += [("set-cookie", cookie) for cookie in response.get("cookies", [])]
    body = base64.b64decode(response["body"]) if response["isBase64Encoded"] else response["body"].encode()
    return normalized_response(response["statusCode"], fields, body)


def normalized_response(status: int, fields: list[tuple[str, str]], body: bytes) -> Response:
    """Return a response in a comparable form: repeated headers are joined (RFC 9110, section 5.3)."""
    lists = group_by_name([(name.lower(), value) for name, value in fields])
    cookies = lists.pop("set-cookie", [])
    headers = {name: ", ".join(values) for name, values in lists.items() if name not in SERVER_HEADERS}
    return Response(status, headers, cookies, body)
