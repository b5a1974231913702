"""Types that describe operations of the OpenAPI document, and the operations of every app.

`operations_<module>.py` has the routes of one module: OPERATIONS by endpoint, and EXAMPLES by type.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.constants import DEFAULT_LIMIT, MAX_LIMIT

ENTITY_TAG = '(W/)?"[!#-~\\u0080-\\u00ff]*"'
"""An entity tag (RFC 9110, section 8.8.3)."""

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "One or more ETags of the item, or `*`. A weak ETag never matches.",
    "schema": {"type": "string", "pattern": f"^(\\*|{ENTITY_TAG}([ \\t]*,[ \\t]*{ENTITY_TAG})*)$"},
    "example": '"1-660f647b4dee8"',
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETags of the responses that the client has stored; 304 if one is current.",
    "schema": {"type": "string"},
    "example": '"1-660f647b4dee8"',
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A key that the client chooses for this create, and sends again with a retry.",
    "schema": {"type": "string", "pattern": '^("[!#-~]{1,255}"|[!#-~]{1,255})$'},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}
DEEP = {
    "name": "deep",
    "in": "query",
    "description": "`1` also checks the services that the API depends on.",
    "schema": {"type": "string", "enum": ["1"]},
}
NUMERIC_PARAMETERS = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
}
"""Schemas of numeric query parameters, which the types declare as text."""

HEALTH_SCHEMA = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ok", "degraded", "down"]},
        "checks": {
            "type": "object",
            "additionalProperties": {"enum": ["ok", "slow", "unreachable"]},
        },
    },
    "required": ["status"],
    "additionalProperties": False,
}

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
ETAG = {"ETag": "Identifies the state of the item; send it in If-Match."}
LOCATION = {"Location": "The URL of the item."}


class Response(NamedTuple):
    """A response that is not a problem.

    Attributes:
        body: a msgspec type, a JSON schema or None.
        headers: descriptions of the headers that every such response has, by name.
        optional_headers: descriptions of the others.
    """

    body: Any
    headers: Mapping[str, str] = NO_HEADERS
    optional_headers: Mapping[str, str] = NO_HEADERS


class Operation(NamedTuple):
    """An operation: a method of a route.

    Attributes:
        responses: by status code.
        problems: status codes of errors, without those that follow from the code (400, 414 and 431; 401
            and 403 with a scope; 413 and 415 with a body).
        parameters: path and header parameters, and query parameters where `query` is None.
        query: type of the query parameters.
        body: type of the request body.
    """

    responses: dict[int, Response]
    problems: tuple[int, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    query: Any = None
    body: Any = None


CACHE = {
    "Cache-Control": "Caching directives for the response (RFC 9111).",
    "ETag": "Send it in If-None-Match; the ETag of an item also in If-Match.",
    "X-Cache": "`HIT`: served from the cache. `MISS`: stored in the cache now. `BYPASS`: neither.",
}
AGE = {"Age": "Seconds since the cached response was loaded."}
NEXT = {"Link": 'The next page, `rel="next"`; absent on the last page.'}

SHARED = {
    "health.health": Operation(
        {200: Response(HEALTH_SCHEMA), 503: Response(HEALTH_SCHEMA)}, parameters=(DEEP,)
    ),
}
"""Operations by Flask endpoint: blueprint and view."""
