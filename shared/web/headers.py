"""Response headers for browsers and shared caches: security headers and CORS."""

from functools import partial
from http import HTTPStatus

from flask import Flask, Response, current_app, request

from shared.auth.scopes import SAFE_METHODS, has_credentials

HSTS = "max-age=31536000"
"""One year (RFC 6797), without subdomains: their owner decides about them."""

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
EXPOSED_HEADERS = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Cache"
"""template.yaml has both lists for API Gateway's own errors. `make check-deploy` compares them."""

PREFLIGHT_SECONDS = 600
"""The value of Access-Control-Max-Age. Chromium caps it at two hours."""


def init_headers(app: Flask, origins: tuple[str, ...]) -> None:
    """Add security headers to every response, and CORS headers for these origins; `*` matches any."""
    app.after_request(add_security_headers)
    if origins:
        app.after_request(partial(add_cors_headers, origins))


def add_security_headers(response: Response) -> Response:
    """Add the security headers of a JSON API (OWASP REST Security Cheat Sheet)."""
    environ = request.environ
    response.headers.add("X-Content-Type-Options", "nosniff")
    if environ["wsgi.url_scheme"] == "https":  # gunicorn and the Lambda adapter trust only known proxies
        response.headers.add("Strict-Transport-Security", HSTS)
    is_storable = environ["REQUEST_METHOD"] in SAFE_METHODS and (not has_credentials(environ) or _is_public())
    if response.status_code >= HTTPStatus.BAD_REQUEST or not is_storable:
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_public() -> bool:
    """Return whether the view's responses are the same for every caller: see `cached`.

    Such responses need no `Vary: Authorization`. Without `public` in Cache-Control, a shared cache does not
    store the response to a request with a token (RFC 9111, section 3.5).
    """
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "is_public", False) and getattr(view, "scope", None) is None


def add_cors_headers(origins: tuple[str, ...], response: Response) -> Response:
    """Add the CORS headers that let pages of the allowed origins read the response.

    Credentials are never allowed: the API has no cookies, and a page sends its token itself.
    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    any_origin = origins == ("*",)
    allowed = "*" if any_origin else request.headers.get("Origin", "")
    if not any_origin:
        response.vary.add("Origin")
    if allowed not in origins:
        return response
    response.headers["Access-Control-Allow-Origin"] = allowed
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response
