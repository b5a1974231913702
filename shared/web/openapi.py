"""GET /openapi.json, and Swagger UI at /docs if DOCS is `yes`.

Swagger UI's script and style sheet come from a Python package: the page loads nothing from other hosts.
"""

from functools import cache
from pathlib import Path

from flask import Blueprint, Flask, Response, render_template_string
from flask.typing import ResponseReturnValue
from werkzeug.http import generate_etag

from shared.errors import NotFound
from shared.web.responses import make_conditional

HERE = Path(__file__).parent
OPENAPI_FILE = HERE.parent.parent / "openapi.json"

ASSETS = {
    "docs.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
"""The content type of each asset of the page; files that are not in this folder come from the package."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No inline code, no other hosts, no frames (https://www.w3.org/TR/CSP3/)."""

routes = Blueprint("openapi", __name__)
docs_routes = Blueprint("docs", __name__)


def init_openapi(app: Flask, *, docs: bool) -> None:
    """Add the route of the OpenAPI document and, with `docs`, those of Swagger UI."""
    app.register_blueprint(routes)
    if docs:
        app.register_blueprint(docs_routes)


@routes.get("/openapi.json")
def document() -> ResponseReturnValue:
    """Return the OpenAPI document."""
    return _response(OPENAPI_FILE.read_bytes(), "application/json")


@docs_routes.get("/docs")
@docs_routes.get("/docs/", alias=True)
def page() -> ResponseReturnValue:
    """Return the page with Swagger UI."""
    html = render_template_string((HERE / "docs.html").read_text())
    response = _response(html.encode(), "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@docs_routes.get("/docs/<name>")
def asset(name: str) -> ResponseReturnValue:
    """Return an asset of the page."""
    if name not in ASSETS:
        raise NotFound(f"No asset has the name {name!r}.")
    return _response(*_read_asset(name))


@cache  # concurrent downloads of the 1.5 MB script share one copy
def _read_asset(name: str) -> tuple[bytes, str, str]:
    from importlib.resources import files  # noqa: PLC0415  # 1 % of a cold start, and most functions have no page

    local = HERE / name
    file = local if local.exists() else files("flask_swagger_ui") / "dist" / name
    content = file.read_bytes()
    return content, ASSETS[name], generate_etag(content)


def _response(body: bytes, content_type: str, etag: str | None = None) -> Response:
    response = Response(body, content_type=content_type)
    response.cache_control.no_cache = True  # clients may store it, and must revalidate it
    response.set_etag(etag or generate_etag(body))  # a hash: all files of an artifact have the same time
    return make_conditional(response)
