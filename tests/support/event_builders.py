"""Builders for the events of each source of HTTP requests, and the response that the client receives.

They follow the AWS documentation that each docstring links to, not the code under test.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Event = dict[str, Any]
HOST = "api.example.com"
CLIENT = "203.0.113.7"


@dataclass(frozen=True)
class Request:
    """A request as the client sends it: path and query are encoded, and headers can repeat."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    as_base64: bool = True
    host: str = HOST

    def all_headers(self) -> list[tuple[str, str]]:
        """Return all headers, with those that a load balancer or a gateway adds."""
        length = [("Content-Length", str(len(self.body)))] if self.body else []
        forwarded = [("X-Forwarded-For", CLIENT), ("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", "https")]
        return [("Host", self.host), *length, *forwarded, *self.headers]


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
    return _payload_2(request, raw_path, stage, authorizer, domain=request.host)


def function_url(request: Request, authorizer: Event | None = None) -> Event:
    """https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads

    As payload 2.0, but the path is encoded.
    """
    return _payload_2(
        request, request.path, "$default", authorizer, domain="abc123.lambda-url.eu-central-1.on.aws"
    )


def _payload_2(request: Request, raw_path: str, stage: str, authorizer: Event | None, domain: str) -> Event:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.all_headers():
        if name.lower() == "cookie":
            cookies += value.split("; ")
        else:
            earlier = headers.get(name.lower())
            headers[name.lower()] = value if earlier is None else f"{earlier},{value}"
    context = {
        "accountId": "123456789012",
        "apiId": "abc123",
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": raw_path,
            "protocol": "HTTP/1.1",
            "sourceIp": CLIENT,
            "userAgent": "test",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": stage,
        "time": "10/Mar/2020:05:16:23 +0000",
        "timeEpoch": 1583817383220,
    }
    if authorizer:
        context["authorizer"] = authorizer
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
    }
    if cookies:
        event["cookies"] = cookies
    return event | _body(request)


def http_api_1(
    request: Request, stage: str = "$default", mapping: str = "", authorizer: Event | None = None
) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

    The event has `version`, and the path is decoded. "Use format 1.0 and path to access the API mapping".
    """
    prefix = mapping or ("" if stage == "$default" else f"/{stage}")
    path = prefix + unquote(request.path)
    return {"version": "1.0"} | _payload_1(request, path, path, stage, authorizer)


def rest_api(
    request: Request, stage: str = "prod", mapping: str = "", authorizer: Event | None = None
) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html

    Only `requestContext.path` contains the stage; both paths contain the key of a base path mapping.
    """
    if mapping:
        return _payload_1(request, mapping + request.path, mapping + request.path, stage, authorizer)
    return _payload_1(request, request.path, f"/{stage}{request.path}", stage, authorizer)


def _payload_1(request: Request, path: str, whole_path: str, stage: str, authorizer: Event | None) -> Event:
    headers = _group_by_name(request.all_headers())
    query = _group_by_name(parse_qsl(request.query, keep_blank_values=True))
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": _last_values(headers) or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": _last_values(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "authorizer": authorizer,
            "domainName": request.host,
            "httpMethod": request.method,
            "identity": {"sourceIp": CLIENT, "userArn": None, "user": None},
            "path": whole_path,
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
    } | _body(request)


def alb(request: Request) -> Event:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html

    "If the query parameters are URL-encoded, the load balancer does not decode them"; of several values of
    one name it "uses the last value sent by the client".
    """
    parts = {
        "headers": _last_values(_alb_headers(request)),
        "queryStringParameters": _last_values(_alb_query(request)),
    }
    return _alb(request) | parts


def alb_multi_value(request: Request) -> Event:
    """Return the event of a load balancer with multi-value headers (#multi-value-headers on that page)."""
    return _alb(request) | {
        "multiValueHeaders": _alb_headers(request),
        "multiValueQueryStringParameters": _alb_query(request),
    }


def _alb(request: Request) -> Event:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/news/49e9d65c45c6791a"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": request.method,
        "path": request.path,
    } | _body(request)


def _alb_headers(request: Request) -> dict[str, list[str]]:
    return _group_by_name([(name.lower(), value) for name, value in request.all_headers()])


def _alb_query(request: Request) -> dict[str, list[str]]:
    pairs = [part.partition("=") for part in request.query.split("&") if part]
    return _group_by_name([(name, value) for name, _, value in pairs])


def _body(request: Request) -> Event:
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    if request.as_base64:
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return {"body": request.body.decode(), "isBase64Encoded": False}


def _group_by_name(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _last_values(lists: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in lists.items()}


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
    lists = _group_by_name([(name.lower(), value) for name, value in fields])
    cookies = lists.pop("set-cookie", [])
    headers = {name: ", ".join(values) for name, values in lists.items() if name not in SERVER_HEADERS}
    return Response(status, headers, cookies, body)
