"""The input of a view: query parameters, a JSON body and If-Match."""

import json
import re
from collections.abc import Callable, Container
from typing import TypeVar

import msgspec
from flask import current_app, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from shared.auth.scopes import caller_id
from shared.constants import MAX_BODY_BYTES
from shared.errors import InvalidInput, PreconditionMissing
from shared.web.compression import revision_of

IDEMPOTENCY_KEY = r'("?)([!#-~]{1,255})\1'
"""Visible ASCII characters. The draft requires quotes, which many clients omit."""

View = TypeVar("View", bound=Callable[..., object])

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
ENTITY_TAGS = rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t,]*{ENTITY_TAG})*[ \t,]*"
"""A list of at least one entity tag (RFC 9110, sections 5.6.1 and 8.8.3)."""


class AnyRevision:
    """A container of all revisions, for `If-Match: *`."""

    def __contains__(self, revision: object) -> bool:
        return True


def allow_query_params(*names: str) -> Callable[[View], View]:
    """Declare the query parameters of a view. A view without this decorator accepts none."""

    def declare(view: View) -> View:
        view.query_params = names  # type: ignore[attr-defined]
        return view

    return declare


def reject_unknown_query_params() -> None:
    """Reject unknown and repeated query parameters, so that clients cannot create cache keys at will.

    Raises:
        InvalidInput: the view does not declare a parameter, or it is sent twice.
    """
    if not request.query_string or request.endpoint is None:  # no route: Flask responds with 404 or 405
        return
    allowed = getattr(current_app.view_functions.get(request.endpoint or ""), "query_params", ())
    for name, values in request.args.lists():
        if name not in allowed:
            raise InvalidInput(name, f"unknown parameter; allowed: {', '.join(allowed) or 'none'}")
        if len(values) > 1:
            raise InvalidInput(name, "must not be repeated")


def query_params() -> dict[str, str]:
    """Return the query parameters of the request: known ones, each of them once."""
    return request.args.to_dict() if request.query_string else {}


def get_json_body() -> object:
    """Return the parsed JSON body of the request.

    Raises:
        UnsupportedMediaType: the content type is not application/json.
        BadRequest: the body is empty, incomplete or not valid JSON (RFC 8259).
        RequestEntityTooLarge: the body is larger than MAX_BODY_BYTES.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Content-Type must be application/json.")
    body = _read_body()
    if not body:
        raise BadRequest("The body is empty; send a JSON object.")
    try:
        return parse_json(body)
    except ValueError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None


def _read_body() -> bytes:
    too_large = RequestEntityTooLarge(f"The body must not be larger than {MAX_BODY_BYTES} bytes.")
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    except HTTPException:
        raise
    except Exception as error:  # the server's own exceptions, such as for invalid chunks
        raise BadRequest("The body is unreadable: it does not match its headers.") from error
    if len(body) > MAX_BODY_BYTES:
        raise too_large
    if len(body) < (request.content_length or 0):  # the client disconnected
        raise BadRequest("The body is shorter than its Content-Length.")
    return body


def parse_json(text: bytes) -> object:
    """Parse JSON; reject NaN, duplicate keys and unpaired surrogates, which most parsers accept.

    Raises:
        ValueError: the text is not valid JSON; the message says why.
    """
    try:
        value = msgspec.json.decode(text)
        json.loads(text, object_pairs_hook=_reject_duplicate_keys)  # msgspec accepts them
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not encoded in UTF-8") from None
    except msgspec.DecodeError as error:
        if re.search(rb"\\u[dD][89abAB]", text) and "truncated" in str(error):
            raise ValueError("a string contains an unpaired surrogate") from None
        raise ValueError(str(error).removeprefix("JSON is malformed: ")) from None
    return value


def _reject_duplicate_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    items = dict(pairs)
    if len(items) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"duplicate key {json.dumps(name)}")
            seen.add(name)
    return items


def idempotency_key() -> str | None:
    """Return the caller and the Idempotency-Key of a create as one text, or None without that header.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

    Raises:
        InvalidInput: the header is not a key.
    """
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return None
    match = re.fullmatch(IDEMPOTENCY_KEY, header)
    if not match:
        raise InvalidInput("Idempotency-Key", "must have 1 to 255 visible ASCII characters")
    return f"{caller_id()} {match[2]}"


def expected_revisions() -> Container[str] | None:
    """Return the revisions that `If-Match` names, or None without that header (RFC 9110, section 13.1.1).

    The comparison is strong: a weak ETag matches nothing. The ETag of the gzip form names the same revision.

    Raises:
        InvalidInput: the header is neither `*` nor a list of entity tags.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip(" \t") == "*":
        return AnyRevision()
    if not re.fullmatch(ENTITY_TAGS, header):
        raise InvalidInput("If-Match", 'must be `*` or a list of quoted ETags, such as `If-Match: "<ETag>"`')
    tags = re.findall(ENTITY_TAG, header)
    return {revision_of(tag[1:-1]) for tag in tags if tag.startswith('"')}


def required_revisions() -> Container[str]:
    """Return the revisions that `If-Match` names, as `expected_revisions` does; the header is required.

    Raises:
        PreconditionMissing: the request has no If-Match.
    """
    revisions = expected_revisions()
    if revisions is None:
        raise PreconditionMissing("If-Match is required: send the ETag of the item.")
    return revisions
