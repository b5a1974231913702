"""The response of the app, with one function per format of the sources of HTTP events."""

import base64
import json
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

import serverless_wsgi
from msgspec import Struct
from werkzeug.datastructures import Headers

from shared.lambda_adapter.fields import Event
from shared.web.problems import problem_outside_app

TEXT_TYPES = {
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/ndjson",
    "application/x-ndjson",
    "application/xml",
}
"""Media types to send as text, besides `text/*`, `*+json` and `*+xml`."""

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
"""Headers that the server sets, here as with gunicorn (RFC 9110, section 7.6.1)."""

STATUSES_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
"""Status codes without a body; a response to HEAD has none either (RFC 9110, section 6.4.1)."""

MAX_JSON_BYTES_PER_BYTE = 6
"""The most that one byte of a body grows in JSON: a control character becomes `\\u001f`."""


class LambdaResponse(Struct, frozen=True):
    """The response to the client, independent of the source.

    Attributes:
        status: Status code and reason, such as `404 NOT FOUND`.
        headers: The headers, with names as the app spells them.
        body: The body.
        last_values: The last value of each header, by its name in lowercase.
    """

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    last_values: dict[str, str]

    @property
    def status_code(self) -> int:
        """The status code as a number."""
        return int(self.status[:3])


def build_response(
    method: str, status: str, headers: Iterable[tuple[str, str]], body: bytes
) -> LambdaResponse:
    """Return the response of a WSGI app as a server sends it.

    Raises:
        ValueError: A header value is invalid in HTTP; gunicorn raises for it too.
    """
    is_bodiless = method == "HEAD" or int(status[:3]) in STATUSES_WITHOUT_BODY
    kept_headers, last_values = [], {}
    for name, value in headers:
        lowercase = name.lower()
        if lowercase in HOP_BY_HOP:
            continue
        if lowercase == "content-length" and not is_bodiless:
            text = str(len(body))  # the app's value can be wrong
        else:
            text = value if value.isascii() and value.isprintable() else _header_text(value)
        kept_headers.append((name, text))
        last_values[lowercase] = text
    return LambdaResponse(status, kept_headers, b"" if is_bodiless else body, last_values)


def problem_response(status: HTTPStatus, detail: str, request_id: str) -> LambdaResponse:
    """Return an error response of the adapter, in the format of the app's errors (RFC 9457)."""
    headers, body = problem_outside_app(status, detail, request_id)
    return build_response("GET", f"{status.value} {status.phrase}", headers.items(), body)


def to_payload_v2(response: LambdaResponse) -> Event:
    """Return payload 2.0, for HTTP APIs and function URLs: one value per header, and a list of cookies.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    headers, cookies = _join_values(response)
    return _status_and_body(response) | {"headers": headers, "cookies": cookies}


def to_payload_v1(response: LambdaResponse) -> Event:
    """Return payload 1.0, for REST APIs and HTTP APIs: a list of values per header.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return _status_and_body(response) | {"multiValueHeaders": _group_by_name(response)}


def to_alb_multi_value(response: LambdaResponse) -> Event:
    """Return a response for a load balancer with multi-value headers.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#multi-value-headers
    """
    return to_payload_v1(response) | {"statusDescription": response.status}


def to_alb(response: LambdaResponse) -> Event:
    """Return a response for a load balancer without multi-value headers, which is the default.

    Each further cookie gets a name of another casing, since the format has one value per name, and cookies
    cannot be joined. Clients ignore the case of names.
    """
    headers, cookies = _join_values(response)
    cookie_headers = serverless_wsgi.split_headers(Headers([("Set-Cookie", cookie) for cookie in cookies]))
    status = {"statusDescription": response.status}
    return _status_and_body(response) | status | {"headers": headers | cookie_headers}


def exceeds_limit(response: Event, max_bytes: int) -> bool:
    """Return whether a response exceeds the limit, serialized as by the runtimes since Python 3.12."""
    if len(response["body"]) * MAX_JSON_BYTES_PER_BYTE < max_bytes // 2:  # the usual case; headers are short
        return False
    return len(json.dumps(response, ensure_ascii=False).encode()) > max_bytes


def _status_and_body(response: LambdaResponse) -> Event:
    """Return the keys that all formats share."""
    text = _body_as_text(response)
    body = base64.b64encode(response.body).decode() if text is None else text
    return {"statusCode": response.status_code, "body": body, "isBase64Encoded": text is None}


def _body_as_text(response: LambdaResponse) -> str | None:
    """Return the body as text, or None if only base64 preserves it."""
    values = response.last_values
    if response.body and ("content-encoding" in values or not _is_text(values.get("content-type", ""))):
        return None
    try:
        return response.body.decode()
    except UnicodeDecodeError:  # the text is in another charset
        return None


@lru_cache(maxsize=128)
def _is_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return (
        media_type in TEXT_TYPES or media_type.startswith("text/") or media_type.endswith(("+json", "+xml"))
    )


def _header_text(value: str) -> str:
    """Return a header value from a WSGI native string, decoded as UTF-8 if valid, else as Latin-1.

    Raises:
        ValueError: The value contains a control character, or a character outside Latin-1.
    """
    if any(character < " " and character != "\t" for character in value):
        raise ValueError("a response header contains a control character")
    raw = value.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return value


def _group_by_name(response: LambdaResponse) -> dict[str, list[str]]:
    """Return the values of each header, by its name in its first spelling."""
    spellings: dict[str, str] = {}
    grouped: dict[str, list[str]] = {}
    for name, value in response.headers:
        grouped.setdefault(spellings.setdefault(name.lower(), name), []).append(value)
    return grouped


def _join_values(response: LambdaResponse) -> tuple[dict[str, str], list[str]]:
    """Return headers with one value each, joined with commas (RFC 9110, section 5.3), and the cookies."""
    values = response.last_values
    if len(values) == len(response.headers) and "set-cookie" not in values:  # the usual case
        return dict(response.headers), []
    joined, cookies = {}, []
    for name, several in _group_by_name(response).items():
        if name.lower() == "set-cookie":
            cookies = several
        else:
            joined[name] = ", ".join(several)
    return joined, cookies
