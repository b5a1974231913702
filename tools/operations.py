"""What the contract says of each route and the code doesn't: what is sent, what is answered, and examples."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from news.model import DEFAULT_LIMIT, MAX_LIMIT, News, NewsInput, NewsPage, NewsParameters, NewsReplacement

EXAMPLE_INPUT = {
    "title": "NASA Returns Hubble to Full Science Operations",
    "url": "https://www.nasa.gov/feature/goddard/2021/nasa-returns-hubble-to-full-science-operations",
    "source": "nasa.gov",
    "category": "technology",
    "summary": None,
    "published_at": "2021-12-07T21:06:43Z",
}
EXAMPLE_NEWS = {
    "id": "fcac5620-b56a-5dad-bf6c-362f248e40c9",
    **EXAMPLE_INPUT,
    "created_at": "2026-11-23T19:05:41.521128Z",
    "updated_at": "2026-11-23T19:05:41.521128Z",
    "version": 1,
}
EXAMPLES: dict[Any, Any] = {
    News: EXAMPLE_NEWS,
    NewsInput: EXAMPLE_INPUT,
    NewsReplacement: EXAMPLE_INPUT,
    NewsPage: {"items": [EXAMPLE_NEWS], "next_cursor": None},
}

NEWS_ID = {
    "name": "news_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "example": EXAMPLE_NEWS["id"],
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the version that is meant, several of them, or `*`.",
    "schema": {"type": "string"},
    "example": '"1"',
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETags that the client has answers for; where one still holds, the answer is 304.",
    "schema": {"type": "string"},
    "example": '"1"',
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
ETAG = {"ETag": "The version, to be sent in If-Match."}
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

OPERATIONS = {
    "health.health": Operation({200: Answer(HEALTH), 503: Answer(HEALTH)}, parameters=(DEEP,)),
    "news.index": Operation(
        {200: Answer(NewsPage, CACHE, AGE | NEXT), 304: Answer(None, CACHE, AGE | NEXT)},
        (503,),
        (IF_NONE_MATCH,),
        query=NewsParameters,
    ),
    "news.create": Operation(
        {201: Answer(News, ETAG | LOCATION), 200: Answer(News, ETAG | LOCATION)},
        (409, 503),
        body=NewsInput,
    ),
    "news.show": Operation(
        {200: Answer(News, CACHE, AGE), 304: Answer(None, CACHE, AGE)}, (404, 503), (NEWS_ID, IF_NONE_MATCH)
    ),
    "news.replace": Operation(
        {200: Answer(News, ETAG)}, (404, 412, 428, 503), (NEWS_ID, IF_MATCH), body=NewsReplacement
    ),
    "news.delete": Operation({204: Answer(None)}, (404, 412, 503), (NEWS_ID, IF_MATCH)),
}
"""By endpoint, as Flask names it: blueprint and view."""
