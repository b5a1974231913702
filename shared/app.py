"""The Flask application factory."""

import logging
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
from shared.web.request_checks import reject_content_encoding
from shared.web.requests import reject_unknown_query_params

log = logging.getLogger(__name__)


class NoSessions(SessionInterface):
    """Disables sessions: the API keeps no state between requests."""

    null_session = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        """Return the session that stores nothing."""
        return self.null_session


class App(ScopeEnforcingFlask):
    """A Flask app without sessions, async views and host matching, which saves time on every request."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function unchanged: no view is async."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return a URL adapter that matches the path only, not the host."""
        if request is None:
            return None
        root, method = request.root_path or "/", request.method
        return MapAdapter(self.url_map, "", root, "", request.scheme, request.path, method)


def create_app(settings: Settings) -> Flask:
    """Return an app without modules; each module adds itself with `setup_route(app)`.

    A module that adds a route for an unsafe method without a scope raises `UndeclaredScope`.
    """
    init_logs(settings.log_level, as_json=settings.log_json)
    app = App("news", static_folder=None)
    app.extensions["settings"] = settings
    # One byte over the limit: werkzeug cuts a chunked body off at the limit without an error.
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES + 1
    app.url_map.redirect_defaults = False  # aliases such as /news do not redirect to /news/
    app.url_map.merge_slashes = False
    init_headers(app, settings.cors_origins)
    if settings.rate_limit:
        from shared.rate_limit import init_rate_limit  # noqa: PLC0415  # only with RATE_LIMIT

        init_rate_limit(app, settings)
    app.before_request(reject_content_encoding)
    init_auth(app, settings.auth, settings.auth_scope_prefix)
    app.before_request(reject_unknown_query_params)
    init_problems(app)
    init_cache(app, settings)
    init_health(app)
    init_openapi(app, docs=settings.docs)
    init_request_log(app, _reporters(settings))
    return app


def _reporters(settings: Settings) -> list[Reporter]:
    """Return the reporters that receive each request record."""
    reporters = [json_reporter(settings.stage) if settings.log_json else text_reporter]
    if settings.metrics_bind:
        from shared.observability.prometheus import prometheus_reporter  # noqa: PLC0415  # only with METRICS_BIND

        try:
            reporters.append(prometheus_reporter())
        except OSError:
            log.exception("metrics are unavailable: cannot create their files")
    return reporters


def get_settings(app: Flask) -> Settings:
    """Return the settings of an app."""
    settings: Settings = app.extensions["settings"]
    return settings
