"""What a view reads from a request: query parameters, a JSON body, If-Match."""

import json
import re
from collections.abc import Callable, Container
from typing import TypeVar

import msgspec
from flask import current_app, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from shared.constants import MAX_BODY_BYTES
from shared.errors import InvalidInput, PreconditionMissing

View = TypeVar("View", bound=Callable[..., object])

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ENTITY_TAGS = re.compile(rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t,]*{ENTITY_TAG})*[ \t,]*")
"""A list with at least one entity tag (RFC 9110, sections 5.6.1 and 8.8.3)."""


class AnyRevision:
    """The container of every revision: the meaning of `If-Match: *`."""

    def __contains__(self, revision: object) -> bool:
        return True


def query_parameters(*names: str) -> Callable[[View], View]:
    """Declare the query parameters of a view; without it a view takes none."""

    def declare(view: View) -> View:
        view.query_parameters = names  # type: ignore[attr-defined]
        return view

    return declare


def reject_unknown_parameters() -> None:
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


def get_json_body() -> object:
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


def expected_revisions() -> Container[str] | None:
    """Return the revisions that `If-Match` names, or None without that header (RFC 9110, section 13.1.1).

    The comparison is strong: a weak tag matches nothing.

    Raises:
        InvalidInput: the header is neither `*` nor a list of entity tags.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip(" \t") == "*":
        return AnyRevision()
    if not ENTITY_TAGS.fullmatch(header):
        raise InvalidInput("If-Match", 'must be `*` or a list of quoted ETags, as `If-Match: "<ETag>"`')
    tags = re.findall(ENTITY_TAG, header)
    return {tag[1:-1] for tag in tags if tag.startswith('"')}


def required_revisions() -> Container[str]:
    """Like `expected_revisions`, for a view that requires the header.

    Raises:
        PreconditionMissing: there is no If-Match.
    """
    revisions = expected_revisions()
    if revisions is None:
        raise PreconditionMissing("Send If-Match with the ETag of the item that you have read.")
    return revisions
