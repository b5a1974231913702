"""The payloads of HTTP events: formats 1.0 and 2.0 of API Gateway, and those of load balancers."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

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


def payload_2(request: Request, raw_path: str, stage: str, authorizer: Event | None, domain: str) -> Event:
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
    return event | encoded_body(request)


def payload_1(request: Request, path: str, whole_path: str, stage: str, authorizer: Event | None) -> Event:
    headers = group_by_name(request.all_headers())
    query = group_by_name(parse_qsl(request.query, keep_blank_values=True))
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": last_values(headers) or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": last_values(query) or None,
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
    } | encoded_body(request)


def alb_event(request: Request) -> Event:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/news/49e9d65c45c6791a"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": request.method,
        "path": request.path,
    } | encoded_body(request)


def alb_headers(request: Request) -> dict[str, list[str]]:
    return group_by_name([(name.lower(), value) for name, value in request.all_headers()])


def alb_query(request: Request) -> dict[str, list[str]]:
    pairs = [part.partition("=") for part in request.query.split("&") if part]
    return group_by_name([(name, value) for name, _, value in pairs])


def encoded_body(request: Request) -> Event:
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    if request.as_base64:
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
    return {"body": request.body.decode(), "isBase64Encoded": False}


def group_by_name(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def last_values(lists: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in lists.items()}
