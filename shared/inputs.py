"""What a view reads from a request: query parameters, a JSON body, If-Match."""

import json
import re
import sys
from collections.abc import Callable, Container
from typing import TypeVar

import msgspec
from flask import current_app, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from shared.constants import MAX_BODY_BYTES
from shared.errors import InvalidInput, PreconditionMissing

View = TypeVar("View", bound=Callable[..., object])

ANY_VERSION: Container[int] = range(1, sys.maxsize)
"""What `If-Match: *` stands for."""


def query_parameters(*names: str) -> Callable[[View], View]:
    """Declare the query parameters of a view; without it a view takes none."""

    def declare(view: View) -> View:
        view.query_parameters = names  # type: ignore[attr-defined]
        return view

    return declare


def refuse_unknown_parameters() -> None:
    """Before every request: a parameter that the view doesn't know, or one given twice, is an error.

    Raises:
        InvalidInput: so that nobody can make new cache keys with parameters that mean nothing.
    """
    if not request.query_string or request.endpoint is None:  # no route: Flask goes on to 404 or 405
        return
    known = getattr(current_app.view_functions.get(request.endpoint or ""), "query_parameters", ())
    for name, values in request.args.lists():
        if name not in known:
            raise InvalidInput(name, f"unknown parameter; there is {', '.join(known) or 'none'}")
        if len(values) > 1:
            raise InvalidInput(name, "given more than once")


def query() -> dict[str, str]:
    """The query parameters of the request, each of them known and given once."""
    return request.args.to_dict() if request.query_string else {}


def json_body() -> object:
    """The request's body, parsed.

    Raises:
        UnsupportedMediaType: it is no application/json.
        BadRequest: it is empty or no JSON as RFC 8259 has it.
        RequestEntityTooLarge: it is longer than MAX_BODY_BYTES.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be sent with Content-Type: application/json.")
    body = _body()
    if not body:
        raise BadRequest("The body is empty; it must be a JSON object.")
    try:
        return parse_json(body)
    except ValueError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None


def _body() -> bytes:
    too_large = RequestEntityTooLarge(f"The body may hold at most {MAX_BODY_BYTES} bytes.")
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    except HTTPException:
        raise
    except Exception as error:  # the server's own kinds, for broken chunks and the like
        raise BadRequest("The body can't be read: it is not what its headers say.") from error
    if len(body) > MAX_BODY_BYTES:
        raise too_large
    if len(body) < (request.content_length or 0):  # gunicorn hands over what came until the client left
        raise BadRequest("The body is shorter than its Content-Length.")
    return body


def parse_json(text: bytes) -> object:
    """Parse JSON and refuse what most parsers let pass: NaN, a key given twice, half a surrogate pair.

    Raises:
        ValueError: it is not valid JSON, and why.
    """
    try:
        value = msgspec.json.decode(text)
        json.loads(text, object_pairs_hook=_unique)  # msgspec keeps the last of two equal keys
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not encoded in UTF-8") from None
    except msgspec.DecodeError as error:
        if re.search(rb"\\u[dD][89abAB]", text) and "truncated" in str(error):
            raise ValueError("a string holds half of a surrogate pair") from None
        raise ValueError(str(error).removeprefix("JSON is malformed: ")) from None
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the key {json.dumps(name)} is given more than once")
            seen.add(name)
    return found


def expected_versions() -> Container[int] | None:
    """The versions that `If-Match` names, or None without that header (RFC 9110, section 13.1.1)."""
    if "If-Match" not in request.headers:
        return None
    tags = request.if_match
    if tags.star_tag:
        return ANY_VERSION
    return {int(tag) for tag in tags.as_set() if tag and re.fullmatch(r"[1-9][0-9]{0,17}", tag)}


def required_versions() -> Container[int]:
    """Like `expected_versions`, for a view that can't do without.

    Raises:
        PreconditionMissing: there is no If-Match.
    """
    versions = expected_versions()
    if versions is None:
        raise PreconditionMissing(
            'Send If-Match with the ETag of the version to replace, e.g. If-Match: "1".'
        )
    return versions
