"""Routes of the news module."""

from http import HTTPStatus
from typing import cast

from flask import Blueprint, Flask, current_app, url_for
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from news.model import NewsQuery
from news.service import NewsService
from shared.app import get_settings
from shared.auth.scopes import require_scope
from shared.cache.decorators import cached, invalidates
from shared.clock import timestamp
from shared.web.health import add_health_check
from shared.web.requests import (
    allow_query_params,
    expected_revisions,
    get_json_body,
    query_params,
    required_revisions,
)
from shared.web.responses import json_response

routes = Blueprint("news", __name__, url_prefix="/news")
news = cast("NewsService", LocalProxy(lambda: current_app.extensions["news"]))


def setup_route(app: Flask, service: NewsService | None = None) -> None:
    """Add the module to an app. Tests pass their own `service`."""
    service = service or NewsService.from_settings(get_settings(app))
    app.extensions["news"] = service
    add_health_check(app, "dynamodb", service.ping)
    app.register_blueprint(routes)


def first_page_query() -> NewsQuery | None:
    """Return the query as the cache key of a first page, or None: pages after a cursor are not cached."""
    query = news.parse_query(query_params())
    return None if query.start_after else query


@routes.get("/")
@routes.get("", alias=True)
@allow_query_params("limit", "cursor", "category", "source", "since", "until")
@cached("news", key=first_page_query, public=True)
def index() -> ResponseReturnValue:
    """List news, newest first."""
    query = news.parse_query(query_params())
    page = news.page(query)
    response = json_response(page)
    if page.next_cursor:
        response.headers["Link"] = f'<{next_page_url(query, page.next_cursor)}>; rel="next"'
    return response


def next_page_url(query: NewsQuery, cursor: str) -> str:
    """Return the URL of the next page. Equal queries have equal URLs."""
    filters = query.filter
    return url_for(
        ".index",
        limit=query.limit,
        category=filters.category,
        source=filters.source,
        since=timestamp(filters.since) if filters.since else None,
        until=timestamp(filters.until) if filters.until else None,
        cursor=cursor,
    )


@routes.post("/")
@routes.post("", alias=True)
@require_scope("news:write")
@invalidates("news")
def create() -> ResponseReturnValue:
    """Create an item."""
    item, is_new = news.create(get_json_body())
    response = json_response(item, HTTPStatus.CREATED if is_new else HTTPStatus.OK)
    response.headers["Location"] = url_for(".show", news_id=item.id)
    return response


@routes.get("/<news_id>")
@cached("news", key=lambda news_id: news_id.lower(), public=True)
def show(news_id: str) -> ResponseReturnValue:
    """Return an item."""
    return json_response(news.get(news_id))


@routes.put("/<news_id>")
@require_scope("news:write")
@invalidates("news")
def replace(news_id: str) -> ResponseReturnValue:
    """Replace an item if its ETag matches If-Match."""
    return json_response(news.replace(news_id, get_json_body(), required_revisions()))


@routes.delete("/<news_id>")
@require_scope("news:write")
@invalidates("news")
def delete(news_id: str) -> ResponseReturnValue:
    """Delete an item; if If-Match is sent, only if the ETag matches."""
    news.delete(news_id, expected_revisions())
    return "", HTTPStatus.NO_CONTENT
