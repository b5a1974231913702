"""The app's answer, and one function for each form that a source of HTTP events wants it in."""

import base64
import json
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from shared.constants import ERROR_HEADERS, PROBLEM_JSON
from shared.lambda_adapter.fields import Event
from shared.web.problems import problem_body

TEXT_TYPES = {
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/ndjson",
    "application/x-ndjson",
    "application/xml",
}
"""Media types that go out as text, besides `text/*` and all that ends with `+json` or `+xml`."""

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
"""Headers that are the server's own business, here as with gunicorn (RFC 9110, section 7.6.1)."""

BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
"""An answer with one of these has no body, nor has one to HEAD (RFC 9110, section 6.4.1)."""

MOST_BYTES_PER_BYTE = 6
"""What one byte of a body can take up in JSON: a control character becomes `\\u001f`."""


class LambdaResponse(NamedTuple):
    """What the client is to get.

    Attributes:
        status: code and reason, e.g. `404 NOT FOUND`.
        headers: as the app spelled them.
        body: the bytes.
        fields: the last value of each header, by its name in small letters.
    """

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    fields: dict[str, str]

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])


def build_response(
    method: str, status: str, headers: Iterable[tuple[str, str]], body: bytes
) -> LambdaResponse:
    """The answer as a server would send it, from what a WSGI app gave.

    Raises:
        ValueError: a header has a value that HTTP can't carry; gunicorn fails on it too.
    """
    bodiless = method == "HEAD" or int(status[:3]) in BODILESS
    kept, fields = [], {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in HOP_BY_HOP:
            continue
        if lowered == "content-length" and not bodiless:
            text = str(len(body))  # whatever the app thought it would be
        else:
            text = value if value.isascii() and value.isprintable() else _text(value)
        kept.append((name, text))
        fields[lowered] = text
    return LambdaResponse(status, kept, b"" if bodiless else body, fields)


def problem_response(status: HTTPStatus, detail: str, request_id: str) -> LambdaResponse:
    """An answer of the guard's own, in the form of all errors of the app."""
    body = problem_body(status, detail, request_id)
    headers = {"Content-Type": PROBLEM_JSON, **ERROR_HEADERS}
    return build_response("GET", f"{status.value} {status.phrase}", headers.items(), body)


def to_payload_v2(answer: LambdaResponse) -> Event:
    """HTTP API, payload 2.0, and Function URL: one value for a header, and a list of cookies.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    headers, cookies = _joined(answer)
    return {"statusCode": answer.code, "headers": headers, "cookies": cookies, **_body(answer)}


def multi_value(answer: LambdaResponse) -> Event:
    """REST API, and HTTP API with payload 1.0: a list of values for each header.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    return {"statusCode": answer.code, "multiValueHeaders": _grouped(answer), **_body(answer)}


def alb_multi_value(answer: LambdaResponse) -> Event:
    """Load balancer whose target group has multi-value headers on.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#multi-value-headers
    """
    return multi_value(answer) | {"statusDescription": answer.status}


def alb_single_value(answer: LambdaResponse) -> Event:
    """Load balancer whose target group has multi-value headers off, as it is by default.

    There is no place for a second cookie, and cookies can't be joined. But the load balancer passes on any
    header whose name is spelled differently, and to the client all spellings are one name.
    """
    headers, cookies = _joined(answer)
    spelled = {_spelling("Set-Cookie", number): cookie for number, cookie in enumerate(cookies)}
    return {
        "statusCode": answer.code,
        "statusDescription": answer.status,
        "headers": headers | spelled,
        **_body(answer),
    }


def is_longer_than(limit: int, event: Event) -> bool:
    """Whether the answer takes more bytes than that, as the runtimes from Python 3.12 on serialise it."""
    if len(event["body"]) * MOST_BYTES_PER_BYTE < limit // 2:  # nearly always; headers are short
        return False
    return len(json.dumps(event, ensure_ascii=False).encode()) > limit


def _body(answer: LambdaResponse) -> Event:
    text = _as_text(answer)
    if text is None:
        return {"body": base64.b64encode(answer.body).decode(), "isBase64Encoded": True}
    return {"body": text, "isBase64Encoded": False}


def _as_text(answer: LambdaResponse) -> str | None:
    """The body as text; None where it must be base64 to arrive as it is."""
    if answer.body and (
        not _is_text(answer.fields.get("content-type", "")) or "content-encoding" in answer.fields
    ):
        return None
    try:
        return answer.body.decode()
    except UnicodeDecodeError:  # text in another charset
        return None


@lru_cache(maxsize=128)
def _is_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return (
        media_type in TEXT_TYPES or media_type.startswith("text/") or media_type.endswith(("+json", "+xml"))
    )


def _text(value: str) -> str:
    """A header's value, from WSGI's native string: UTF-8 where it can be, else Latin-1."""
    if any(character < " " and character != "\t" for character in value):
        raise ValueError("a header of the answer holds a control character")
    raw = value.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return value


def _grouped(answer: LambdaResponse) -> dict[str, list[str]]:
    """The values of each header, by its name as the app spelled it first."""
    spellings: dict[str, str] = {}
    grouped: dict[str, list[str]] = {}
    for name, value in answer.headers:
        grouped.setdefault(spellings.setdefault(name.lower(), name), []).append(value)
    return grouped


def _joined(answer: LambdaResponse) -> tuple[dict[str, str], list[str]]:
    """Headers of one value each, joined with commas (RFC 9110, section 5.3); and cookies, which can't be."""
    if len(answer.fields) == len(answer.headers) and "set-cookie" not in answer.fields:  # nearly always
        return dict(answer.headers), []
    joined, cookies = {}, []
    for name, values in _grouped(answer).items():
        if name.lower() == "set-cookie":
            cookies = values
        else:
            joined[name] = ", ".join(values)
    return joined, cookies


def _spelling(name: str, number: int) -> str:
    """The spelling of that number: its bits say which letters, from the end, are in the other case."""
    letters = (
        letter.swapcase() if number >> bit & 1 else letter for bit, letter in enumerate(reversed(name))
    )
    return "".join(letters)[::-1]
