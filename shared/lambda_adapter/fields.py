"""The fields that all HTTP events have: headers, query string and body."""

import base64
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

Event = dict[str, Any]


class MalformedEvent(ValueError):
    """The event is an invalid HTTP request. The message names the invalid field."""


def get_object(parent: Event, name: str) -> Event:
    """Return the object in a field; an empty one if the field is missing or null.

    Raises:
        MalformedEvent: The field is not an object.
    """
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedEvent(f"{name} is not an object")
    return value


def get_text(parent: Event, name: str) -> str:
    """Return the string in a field; an empty one if the field is missing or null.

    Raises:
        ValueError: The field is not a string, or UTF-8 cannot encode it.
    """
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedEvent(f"{name} is not a string")
    return _require_encodable(value)


def _require_encodable(text: str) -> str:
    """Return the text. Raise UnicodeEncodeError for a lone surrogate, which UTF-8 does not allow."""
    if not text.isascii():
        text.encode()
    return text


def get_headers(event: Event) -> dict[str, str]:
    """Return the headers with names and values as in the WSGI environ (PEP 3333).

    Repeated headers are joined with commas, as gunicorn does (RFC 9110, section 5.3), and cookies with
    semicolons (RFC 6265, section 5.4). Payload 2.0 has cookies in a list of their own.
    """
    headers: dict[str, str] = {}
    fields = get_object(event, "multiValueHeaders") or get_object(event, "headers")
    for name, field in fields.items():
        key = _environ_key(name)
        value = field if isinstance(field, str) else _unwrap_single(field)
        if key is None or value is None:
            continue
        # A REST API keeps names apart that differ in case only, so the key can exist already.
        text = value if isinstance(value, str) and key not in headers else _join(key, headers.get(key), value)
        headers[key] = text if text.isascii() and text.isprintable() else _wsgi_text(text)
    if cookies := event.get("cookies"):
        headers["HTTP_COOKIE"] = _wsgi_text(_join("HTTP_COOKIE", cookies))
    if "HTTP_HOST" not in headers and (domain := get_text(get_object(event, "requestContext"), "domainName")):
        headers["HTTP_HOST"] = domain
    return headers


@lru_cache(maxsize=1024)
def _environ_key(name: str) -> str | None:
    """Return the environ key of a header; None for a name with `_`, which can forge one with `-`."""
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key


def _unwrap_single(field: Any) -> Any:
    """Return the item of a list with one item; any other value unchanged."""
    return field[0] if isinstance(field, list) and len(field) == 1 else field


def _join(key: str, *values: object) -> str:
    separator = "; " if key == "HTTP_COOKIE" else ","
    return separator.join(text for value in values if value is not None for text in _to_strings(value))


def _wsgi_text(text: str) -> str:
    """Return a text as a WSGI native string, with one character per byte in UTF-8.

    Raises:
        ValueError: The text contains a control character or a lone surrogate.
    """
    if any(character < " " and character != "\t" for character in text):
        raise MalformedEvent("a header contains a control character")
    return text.encode().decode("latin-1")


def get_decoded_query(event: Event) -> str:
    """Return the query string for a source that decodes the parameters."""
    return urlencode(_query_parameters(event))


def get_raw_query(event: Event) -> str:
    """Return the query string for a source that splits the parameters and leaves them encoded."""
    return _require_encodable("&".join(f"{name}={value}" for name, value in _query_parameters(event)))


def _query_parameters(event: Event) -> list[tuple[str, str]]:
    name = "multiValueQueryStringParameters"
    parameters = get_object(event, name) or get_object(event, "queryStringParameters")
    return [(name, value) for name, values in parameters.items() for value in _to_strings(values)]


def _to_strings(values: object) -> list[str]:
    items = values if isinstance(values, list) else [values]
    return ["" if item is None else str(item) for item in items]


def get_body(event: Event) -> bytes:
    """Return the request body.

    Raises:
        ValueError: The body is invalid base64, or UTF-8 cannot encode it.
    """
    body = get_text(event, "body")
    if event.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return body.encode()
