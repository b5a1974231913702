"""The parts that HTTP events have in common: headers, query and body."""

import base64
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

Event = dict[str, Any]


class MalformedEvent(ValueError):
    """An event that looks like an HTTP request and can't be one; the message says what is wrong with it."""


def get_object(parent: Event, name: str) -> Event:
    """The object of that name; an empty one where it is absent or null.

    Raises:
        MalformedEvent: it is something else.
    """
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedEvent(f"{name} is no object")
    return value


def get_text(parent: Event, name: str) -> str:
    """The text of that name; empty where it is absent or null.

    Raises:
        ValueError: it is something else, or can't be encoded.
    """
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedEvent(f"{name} is no string")
    return _encodable(value)


def _encodable(text: str) -> str:
    """Raise UnicodeEncodeError for half of a surrogate pair, which JSON can hold and UTF-8 can't."""
    if not text.isascii():
        text.encode()
    return text


def get_headers(event: Event) -> dict[str, str]:
    """The headers, in names and in values as WSGI has them (PEP 3333).

    Values of one name are joined as gunicorn does it (RFC 9110, section 5.3, allows it); cookies with a
    semicolon (RFC 6265, section 5.4), and payload 2.0 has those in a list of their own.
    """
    found: dict[str, str] = {}
    fields = get_object(event, "multiValueHeaders") or get_object(event, "headers")
    for name, given in fields.items():
        key = _wsgi_key(name)
        value = given if isinstance(given, str) else _single(given)
        if key is None or value is None:
            continue
        # REST tells names apart that differ in case only: then there is one already.
        text = value if isinstance(value, str) and key not in found else _joined(key, found.get(key), value)
        found[key] = text if text.isascii() and text.isprintable() else _wsgi_text(text)
    if cookies := event.get("cookies"):
        found["HTTP_COOKIE"] = _wsgi_text(_joined("HTTP_COOKIE", cookies))
    if "HTTP_HOST" not in found and (domain := get_text(get_object(event, "requestContext"), "domainName")):
        found["HTTP_HOST"] = domain
    return found


@lru_cache(maxsize=1024)
def _wsgi_key(name: str) -> str | None:
    """The environ's key for a header; None for a name that would pass for its namesake with a hyphen."""
    if "_" in name:
        return None
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key


def _single(given: Any) -> Any:
    """What is in a list of one; anything else as it is."""
    return given[0] if isinstance(given, list) and len(given) == 1 else given


def _joined(key: str, *values: object) -> str:
    separator = "; " if key == "HTTP_COOKIE" else ","
    return separator.join(text for value in values if value is not None for text in _texts(value))


def _wsgi_text(text: str) -> str:
    """Text as WSGI's native string: each character stands for a byte of it in UTF-8.

    Raises:
        ValueError: it holds a control character, or half of a surrogate pair.
    """
    if any(character < " " and character != "\t" for character in text):
        raise MalformedEvent("a header holds a control character")
    return text.encode().decode("latin-1")


def get_decoded_query(event: Event) -> str:
    """The query string, from parameters that the source has decoded."""
    return urlencode(_parameters(event))


def get_raw_query(event: Event) -> str:
    """The query string, from parameters that the source has only split."""
    return _encodable("&".join(f"{name}={value}" for name, value in _parameters(event)))


def _parameters(event: Event) -> list[tuple[str, str]]:
    name = "multiValueQueryStringParameters"
    parameters = get_object(event, name) or get_object(event, "queryStringParameters")
    return [(name, value) for name, values in parameters.items() for value in _texts(values)]


def _texts(values: object) -> list[str]:
    several = values if isinstance(values, list) else [values]
    return ["" if value is None else str(value) for value in several]


def get_body(event: Event) -> bytes:
    """The request's body.

    Raises:
        ValueError: it is said to be base64 and isn't, or can't be encoded.
    """
    body = get_text(event, "body")
    if event.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    return body.encode()
