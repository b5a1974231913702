"""All modules in one Flask app, for gunicorn."""

import gc

from news.controller import setup_route as setup_news
from shared.app import create_app
from shared.config import Settings
from shared.web.mount import mount
from shared.web.request_checks import reject_invalid_framing

settings = Settings.from_env()
app = create_app(settings)
app.before_request_funcs[None].insert(0, reject_invalid_framing)
setup_news(app)
mount(app, settings.base_path)
gc.freeze()
gc.enable()
