"""Clients of an app with a fake DAO, and the form of its problem responses."""

import re

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from shared.constants import CLAIMS
from support.fakes import clock


def make_client(dao, **changes):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, **changes))
    setup_route(app, NewsService(dao, now=clock()))
    client = app.test_client()
    client.environ_base[CLAIMS] = {"scope": "news:write"}
    return client


def url_of(item):
    return f"/news/{item['id']}"


def assert_problem(response, status, field=None):
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    body = response.json
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    assert re.fullmatch(r"[0-9a-f-]{36}", body["request_id"])
    if field is None:
        assert "errors" not in body
    else:
        [error] = body["errors"]
        assert error["field"] == field
        assert error["message"]
