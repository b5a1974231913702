"""What the contract says of routes and the code doesn't: how that is written, and what all modules share.

What it says of a module's routes is in `tools/operations_<module>.py`: OPERATIONS by endpoint, and EXAMPLES.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.constants import DEFAULT_LIMIT, MAX_LIMIT

TAG = '(W/)?"[!#-~\\u0080-\\u00ff]*"'
"""An entity tag (RFC 9110, section 8.8.3)."""

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the item, several of them, or `*`; a weak ETag matches nothing.",
    "schema": {"type": "string", "pattern": f"^(\\*|{TAG}([ \\t]*,[ \\t]*{TAG})*)$"},
    "example": '"1-660f647b4dee8"',
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETags that the client has answers for; where one still holds, the answer is 304.",
    "schema": {"type": "string"},
    "example": '"1-660f647b4dee8"',
}
DEEP = {
    "name": "deep",
    "in": "query",
    "description": "Ask the services behind it too.",
    "schema": {"type": "string", "enum": ["1"]},
}
NUMBERS = {
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
}
"""Query parameters that are numbers: to the types, what is sent is text."""

HEALTH = {
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

NONE: Mapping[str, str] = MappingProxyType({})
ETAG = {"ETag": "The state of the item, to be sent in If-Match."}
LOCATION = {"Location": "Where the item is."}


class Answer(NamedTuple):
    """An answer that is no problem: its body, a msgspec type, a schema or None; and its headers' meanings."""

    body: Any
    headers: Mapping[str, str] = NONE
    optional_headers: Mapping[str, str] = NONE


class Operation(NamedTuple):
    """What is said of a route.

    Attributes:
        answers: by status.
        problems: the errors besides those that follow from the code (400; 401 and 403 with a scope; 413 and
            415 with a body).
        parameters: those in path and header, and in the query where `query` is None.
        query: the type of the query parameters.
        body: the type of the request's body.
    """

    answers: dict[int, Answer]
    problems: tuple[int, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ()
    query: Any = None
    body: Any = None


CACHE = {
    "Cache-Control": "Whether the answer may be kept, and used without asking again.",
    "ETag": "What to send in If-None-Match; of an item, also in If-Match.",
    "X-Cache": "`HIT` from the cache, `MISS` now stored there, `BYPASS` neither.",
}
AGE = {"Age": "Seconds since the cached answer was loaded."}
NEXT = {"Link": 'The next page, `rel="next"`; absent on the last.'}

SHARED = {
    "health.health": Operation({200: Answer(HEALTH), 503: Answer(HEALTH)}, parameters=(DEEP,)),
}
"""By endpoint, as Flask names it: blueprint and view."""
