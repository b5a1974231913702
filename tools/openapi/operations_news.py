"""The operations of news in the OpenAPI document: responses, parameters and examples."""

from typing import Any

from news.model import News, NewsInput, NewsPage, NewsParameters, NewsReplacement
from tools.openapi.operations import (
    AGE,
    CACHE,
    ETAG,
    IF_MATCH,
    IF_NONE_MATCH,
    LOCATION,
    NEXT,
    Operation,
    Response,
)

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
OPERATIONS = {
    "news.index": Operation(
        {200: Response(NewsPage, CACHE, AGE | NEXT), 304: Response(None, CACHE, AGE | NEXT)},
        (503,),
        (IF_NONE_MATCH,),
        query=NewsParameters,
    ),
    "news.create": Operation(
        {201: Response(News, ETAG | LOCATION), 200: Response(News, ETAG | LOCATION)},
        (409, 503),
        body=NewsInput,
    ),
    "news.show": Operation(
        {200: Response(News, CACHE, AGE), 304: Response(None, CACHE, AGE)},
        (404, 503),
        (NEWS_ID, IF_NONE_MATCH),
    ),
    "news.replace": Operation(
        {200: Response(News, ETAG)}, (404, 412, 428, 503), (NEWS_ID, IF_MATCH), body=NewsReplacement
    ),
    "news.delete": Operation({204: Response(None)}, (404, 412, 503), (NEWS_ID, IF_MATCH)),
}
