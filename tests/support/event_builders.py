"""An HTTP request as each source of events puts it, and a source's answer as its client gets it.

Written from AWS's pages, which the functions name, and not from the code under test.
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
class Sent:
    """A request on the wire: path and query are encoded; a header may be there twice."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    as_base64: bool = True
    host: str = HOST

    def fields(self) -> list[tuple[str, str]]:
        """All header fields, with those that a load balancer or a gateway sets."""
        length = [("Content-Length", str(len(self.body)))] if self.body else []
        forwarded = [("X-Forwarded-For", CLIENT), ("X-Forwarded-Port", "443"), ("X-Forwarded-Proto", "https")]
        return [("Host", self.host), *length, *forwarded, *self.headers]


@dataclass(frozen=True)
class Got:
    """An answer on the wire: fields in lower case, sorted, and cookies apart."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes = field(repr=False)


def http_api_2(sent: Sent, stage: str = "$default", authorizer: Event | None = None) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

    "Duplicate headers are combined with commas"; all names are lower case; cookies are a list. The path comes
    decoded: seen in live events, and documented nowhere.
    """
    path = unquote(sent.path)
    raw_path = path if stage == "$default" else f"/{stage}{path}"
    return _payload_2(sent, raw_path, stage, authorizer, domain=sent.host)


def function_url(sent: Sent, authorizer: Event | None = None) -> Event:
    """https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads

    The form of payload 2.0; the path stays encoded.
    """
    return _payload_2(sent, sent.path, "$default", authorizer, domain="abc123.lambda-url.eu-central-1.on.aws")


def _payload_2(sent: Sent, raw_path: str, stage: str, authorizer: Event | None, domain: str) -> Event:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in sent.fields():
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
            "method": sent.method,
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
        "rawQueryString": sent.query,
        "headers": headers,
        "requestContext": context,
    }
    if cookies:
        event["cookies"] = cookies
    return event | _body(sent)


def http_api_1(
    sent: Sent, stage: str = "$default", mapping: str = "", authorizer: Event | None = None
) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

    Has `version`, and the path comes decoded. "Use format 1.0 and path to access the API mapping".
    """
    before = mapping or ("" if stage == "$default" else f"/{stage}")
    path = before + unquote(sent.path)
    return {"version": "1.0"} | _payload_1(sent, path, path, stage, authorizer)


def rest_api(sent: Sent, stage: str = "prod", mapping: str = "", authorizer: Event | None = None) -> Event:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html

    The path has no stage, but `requestContext.path` has; both have the key of a base path mapping.
    """
    if mapping:
        return _payload_1(sent, mapping + sent.path, mapping + sent.path, stage, authorizer)
    return _payload_1(sent, sent.path, f"/{stage}{sent.path}", stage, authorizer)


def _payload_1(sent: Sent, path: str, whole_path: str, stage: str, authorizer: Event | None) -> Event:
    headers = _lists(sent.fields())
    query = _lists(parse_qsl(sent.query, keep_blank_values=True))
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": sent.method,
        "headers": _last(headers) or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "authorizer": authorizer,
            "domainName": sent.host,
            "httpMethod": sent.method,
            "identity": {"sourceIp": CLIENT, "userArn": None, "user": None},
            "path": whole_path,
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
    } | _body(sent)


def alb(sent: Sent) -> Event:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html

    "If the query parameters are URL-encoded, the load balancer does not decode them"; of several values of
    one name it "uses the last value sent by the client".
    """
    parts = {"headers": _last(_alb_headers(sent)), "queryStringParameters": _last(_alb_query(sent))}
    return _alb(sent) | parts


def alb_multi_value(sent: Sent) -> Event:
    """As above, multi-value headers being on (#multi-value-headers on that page)."""
    return _alb(sent) | {
        "multiValueHeaders": _alb_headers(sent),
        "multiValueQueryStringParameters": _alb_query(sent),
    }


def _alb(sent: Sent) -> Event:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/news/49e9d65c45c6791a"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": sent.method,
        "path": sent.path,
    } | _body(sent)


def _alb_headers(sent: Sent) -> dict[str, list[str]]:
    return _lists([(name.lower(), value) for name, value in sent.fields()])


def _alb_query(sent: Sent) -> dict[str, list[str]]:
    pairs = [part.partition("=") for part in sent.query.split("&") if part]
    return _lists([(name, value) for name, _, value in pairs])


def _body(sent: Sent) -> Event:
    if not sent.body:
        return {"body": None, "isBase64Encoded": False}
    if sent.as_base64:
        return {"body": base64.b64encode(sent.body).decode(), "isBase64Encoded": True}
    return {"body": sent.body.decode(), "isBase64Encoded": False}


def _lists(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _last(lists: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in lists.items()}


ENCODERS: dict[str, Callable[[Sent], Event]] = {
    "HTTP API, payload 2.0": http_api_2,
    "HTTP API, payload 1.0": http_api_1,
    "REST API": rest_api,
    "load balancer": alb,
    "load balancer, multi-value": alb_multi_value,
    "Function URL": function_url,
}

NOT_THE_APPS = {"connection", "date", "server", "transfer-encoding", "content-length"}
"""Headers that whoever stands before the app sets as it likes."""


def got_from(answer: Event) -> Got:
    """What the client gets for an answer; each source takes a part of these keys (pages as above)."""
    fields = [(name, value) for name, value in answer.get("headers", {}).items()]
    fields += [(name, v) for name, values in answer.get("multiValueHeaders", {}).items() for v in values]
    fields += [("set-cookie", cookie) for cookie in answer.get("cookies", [])]
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    return got(answer["statusCode"], fields, body)


def got(status: int, fields: list[tuple[str, str]], body: bytes) -> Got:
    """An answer in a form that can be compared: fields of one name joined (RFC 9110, section 5.3)."""
    lists = _lists([(name.lower(), value) for name, value in fields])
    cookies = lists.pop("set-cookie", [])
    headers = {name: ", ".join(values) for name, values in lists.items() if name not in NOT_THE_APPS}
    return Got(status, headers, cookies, body)
