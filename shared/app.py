"""The Flask factory: what every module's app has in common."""

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface

from shared.auth import GuardedFlask, init_auth
from shared.cache import init_cache
from shared.config import Settings
from shared.constants import MAX_BODY_BYTES
from shared.contract import init_contract
from shared.errors import init_errors
from shared.headers import init_headers
from shared.health import init_health
from shared.inputs import refuse_unknown_parameters


class NoSessions(SessionInterface):
    """There are none: nothing is kept of a caller between two requests."""

    none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        """The one that nothing can be stored in."""
        return self.none


class App(GuardedFlask):
    """A Flask app whose views are plain functions: whether one is async is not asked at each request."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


def create_app(settings: Settings) -> Flask:
    """An app without modules; each module adds itself with its `setup_route(app)`.

    A route that changes something and names no scope is refused as it is added.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger().setLevel(settings.log_level)
    for library in ("botocore", "pynamodb"):  # they tell at INFO how they found their settings
        logging.getLogger(library).setLevel(logging.WARNING)
    app = App("news", static_folder=None)
    app.extensions["settings"] = settings
    # One byte more than is taken: of a chunked body, werkzeug hands over what fits, without an error.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.url_map.redirect_defaults = False  # a route may have an alias, and nothing redirects to the other
    app.url_map.merge_slashes = False
    init_headers(app, settings.cors_origins)
    init_auth(app, settings.auth)
    app.before_request(refuse_unknown_parameters)
    init_errors(app)
    init_cache(app, settings)
    init_health(app)
    init_contract(app, docs=settings.docs)
    return app


def settings_of(app: Flask) -> Settings:
    """The settings that the app was created with."""
    settings: Settings = app.extensions["settings"]
    return settings
