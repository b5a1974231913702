"""What every answer tells browsers and caches: what not to guess, not to keep, and who may read it."""

from functools import partial
from http import HTTPStatus

from flask import Flask, Response, current_app, request

from shared.auth.scopes import SAFE_METHODS, has_credentials

HSTS = "max-age=31536000"
"""A year (RFC 6797); subdomains are for whoever owns the domain to decide."""

ALLOWED_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match"
EXPOSED_HEADERS = "ETag, Link, Location, Retry-After, X-Cache"
PREFLIGHT_SECONDS = 600
"""How long a browser may remember a preflight; Chromium keeps none longer than two hours."""


def init_headers(app: Flask, origins: tuple[str, ...]) -> None:
    """Complete every answer of the app; pages of these origins may read it, `*` standing for any."""
    app.after_request(secure)
    if origins:
        app.after_request(partial(share, origins))


def secure(answer: Response) -> Response:
    """Name the security headers of a JSON API (OWASP REST Security Cheat Sheet)."""
    environ = request.environ
    answer.headers.add("X-Content-Type-Options", "nosniff")
    if environ["wsgi.url_scheme"] == "https":  # gunicorn and the Lambda guard know whom to believe
        answer.headers.add("Strict-Transport-Security", HSTS)
    is_storable = environ["REQUEST_METHOD"] in SAFE_METHODS and (not has_credentials(environ) or _is_public())
    if answer.status_code >= HTTPStatus.BAD_REQUEST or not is_storable:
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_public() -> bool:
    """Return whether the view's responses are the same for every caller: see `cached`.

    They need no `Vary: Authorization`. Without `public` in Cache-Control, a shared cache stores none that was
    requested with a token (RFC 9111, section 3.5).
    """
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "is_public", False) and getattr(view, "scope", None) is None


def share(origins: tuple[str, ...], answer: Response) -> Response:
    """Let pages of the origins that are named read the answer.

    Never with credentials: this API knows no cookies, and a page that sends a token puts it there itself.
    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    any_page = origins == ("*",)
    allowed = "*" if any_page else request.headers.get("Origin", "")
    if not any_page:
        answer.vary.add("Origin")
    if allowed not in origins:
        return answer
    answer.headers["Access-Control-Allow-Origin"] = allowed
    answer.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        answer.headers["Access-Control-Allow-Methods"] = answer.headers.get("Allow", "")
        answer.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return answer
