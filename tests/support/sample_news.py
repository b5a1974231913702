"""An app with the news module and a fake DAO, for tests of the code around it."""

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from support.fakes import FakeDao, clock, sent


def news_app(items=0, **changes):
    """Return an app with that many items."""
    settings = {"stage": "dev", "region": "us-east-1", "tables": {"news": "news"}} | changes
    app = create_app(Settings(**settings))
    service = NewsService(FakeDao(), now=clock())
    for number in range(items):
        service.create(sent(number))
    setup_route(app, service)
    return app
