"""Every module in one Flask app, for gunicorn."""

import gc

from news.controller import setup_route as setup_news
from shared.app import create_app
from shared.config import Settings

settings = Settings.from_env()
app = create_app(settings)
setup_news(app)
gc.freeze()
gc.enable()
