"""The news module as one Lambda function: settings, app, routes, handler."""

import gc

from news.controller import setup_route
from shared.app import create_app
from shared.config import Settings
from shared.lambda_adapter import make_handler

settings = Settings.from_env()
app = create_app(settings)
setup_route(app)
handler = make_handler(app, settings.base_path)
gc.freeze()
gc.enable()
