"""The routes of news: what HTTP asks of the service, and what it answers."""

from http import HTTPStatus
from typing import cast

from flask import Blueprint, Flask, current_app, url_for
from flask.typing import ResponseReturnValue
from werkzeug.local import LocalProxy

from news.model import NewsQuery
from news.service import NewsService
from shared.app import settings_of
from shared.auth.scopes import require_scope
from shared.cache.decorators import cached, invalidates
from shared.clock import timestamp
from shared.web.health import add_health_check
from shared.web.requests import expected_revisions, get_json_body, query, query_parameters, required_revisions
from shared.web.responses import json_response

routes = Blueprint("news", __name__, url_prefix="/news")
news = cast("NewsService", LocalProxy(lambda: current_app.extensions["news"]))


def setup_route(app: Flask, service: NewsService | None = None) -> None:
    """Add the module to an app; `service` is for tests."""
    service = service or NewsService.from_settings(settings_of(app))
    app.extensions["news"] = service
    add_health_check(app, "dynamodb", service.check)
    app.register_blueprint(routes)


def first_page() -> NewsQuery | None:
    """What a list depends on; pages behind a cursor are not cached."""
    asked = news.query(query())
    return None if asked.after else asked


@routes.get("/")
@routes.get("", alias=True)
@query_parameters("limit", "cursor", "category", "source", "since", "until")
@cached("news", key=first_page, public=True)
def index() -> ResponseReturnValue:
    """List news, newest first."""
    asked = news.query(query())
    page = news.page(asked)
    answer = json_response(page)
    if page.next_cursor:
        answer.headers["Link"] = f'<{next_page_url(asked, page.next_cursor)}>; rel="next"'
    return answer


def next_page_url(asked: NewsQuery, cursor: str) -> str:
    """Return the URL of the next page: one for every spelling of the same query."""
    filters = asked.filter
    return url_for(
        ".index",
        limit=asked.limit,
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
    answer = json_response(item, HTTPStatus.CREATED if is_new else HTTPStatus.OK)
    answer.headers["Location"] = url_for(".show", news_id=item.id)
    return answer


@routes.get("/<news_id>")
@cached("news", key=lambda news_id: news_id.lower(), public=True)
def show(news_id: str) -> ResponseReturnValue:
    """Show an item."""
    return json_response(news.get(news_id))


@routes.put("/<news_id>")
@require_scope("news:write")
@invalidates("news")
def replace(news_id: str) -> ResponseReturnValue:
    """Replace an item that is in a state named by If-Match."""
    return json_response(news.replace(news_id, get_json_body(), required_revisions()))


@routes.delete("/<news_id>")
@require_scope("news:write")
@invalidates("news")
def delete(news_id: str) -> ResponseReturnValue:
    """Remove an item; with If-Match, only in a state that it names."""
    news.delete(news_id, expected_revisions())
    return "", HTTPStatus.NO_CONTENT
