"""The Flask factory: what every module's app has in common."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

from shared.auth.scopes import ScopeEnforcingFlask, init_auth
from shared.cache.decorators import init_cache
from shared.config import Settings
from shared.constants import MAX_BODY_BYTES
from shared.observability.log_formats import json_reporter, text_reporter
from shared.observability.logs import init_logs
from shared.observability.request_log import Reporter, init_request_log
from shared.web.headers import init_headers
from shared.web.health import init_health
from shared.web.openapi import init_openapi
from shared.web.problems import init_problems
from shared.web.request_checks import refuse_content_coding
from shared.web.requests import reject_unknown_parameters


class NoSessions(SessionInterface):
    """There are none: nothing is kept of a caller between two requests."""

    none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        """The one that nothing can be stored in."""
        return self.none


class App(ScopeEnforcingFlask):
    """A Flask app that asks less at each request: its views are plain functions, and no two hosts differ."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself; Flask would find out whether it is async."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the route, by the path alone; Flask would take the host apart, too."""
        if request is None:
            return None
        root, method = request.root_path or "/", request.method
        return MapAdapter(self.url_map, "", root, "", request.scheme, request.path, method)


def create_app(settings: Settings) -> Flask:
    """An app without modules; each module adds itself with its `setup_route(app)`.

    A route that changes something and names no scope is refused as it is added.
    """
    init_logs(settings.log_level, as_json=settings.log_json)
    app = App("news", static_folder=None)
    app.extensions["settings"] = settings
    # One byte more than is taken: of a chunked body, werkzeug hands over what fits, without an error.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.url_map.redirect_defaults = False  # a route may have an alias, and nothing redirects to the other
    app.url_map.merge_slashes = False
    init_headers(app, settings.cors_origins)
    app.before_request(refuse_content_coding)
    init_auth(app, settings.auth, settings.auth_scope_prefix)
    app.before_request(reject_unknown_parameters)
    init_problems(app)
    init_cache(app, settings)
    init_health(app)
    init_openapi(app, docs=settings.docs)
    init_request_log(app, _told(settings))
    return app


def _told(settings: Settings) -> list[Reporter]:
    """Who is told of each request."""
    told = [json_reporter(settings.stage) if settings.log_json else text_reporter]
    if settings.metrics_bind:
        from shared.observability.prometheus import prometheus_reporter  # noqa: PLC0415  # of gunicorn only, and off by default

        told.append(prometheus_reporter())
    return told


def settings_of(app: Flask) -> Settings:
    """The settings that the app was created with."""
    settings: Settings = app.extensions["settings"]
    return settings
