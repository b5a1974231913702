"""An app, and paths of which every response has headers of its own."""

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from support.fakes import FakeDao, clock

PAGE = "https://app.example.com"
TARGETS = ["/news/", "/health", "/nix", "/news/?x=1", "/failing"]


def make_app(**changes):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}, **changes))
    setup_route(app, NewsService(FakeDao(), now=clock()))
    app.get("/failing")(lambda: 1 / 0)
    return app
