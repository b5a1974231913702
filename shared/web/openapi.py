"""GET /openapi.json, the contract, and, where DOCS says so, GET /docs, a page to read and try it.

The page is Swagger UI: its script and style sheet come from a package, and no address but ours is asked.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Flask, Response, render_template_string
from flask.typing import ResponseReturnValue
from werkzeug.http import generate_etag

from shared.errors import NotFound
from shared.web.responses import make_conditional

HERE = Path(__file__).parent
CONTRACT = HERE.parent.parent / "openapi.json"

ASSETS = {
    "docs.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
"""What the page loads, by name; what isn't ours is the package's."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do (https://www.w3.org/TR/CSP3/): nothing inline, nothing from elsewhere, in no frame."""

routes = Blueprint("contract", __name__)
page = Blueprint("docs", __name__)


def init_openapi(app: Flask, *, docs: bool) -> None:
    """Add the contract, and the page if it is wanted."""
    app.register_blueprint(routes)
    if docs:
        app.register_blueprint(page)


@routes.get("/openapi.json")
def contract() -> ResponseReturnValue:
    """Show the contract, as it is committed."""
    return _answer(CONTRACT.read_bytes(), "application/json")


@page.get("/docs")
@page.get("/docs/", alias=True)
def show() -> ResponseReturnValue:
    """Show the page."""
    html = render_template_string((HERE / "docs.html").read_text())
    answer = _answer(html.encode(), "text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


@page.get("/docs/<name>")
def asset(name: str) -> ResponseReturnValue:
    """Send what the page loads."""
    if name not in ASSETS:
        raise NotFound(f"The page has no {name!r}.")
    return _answer(*_content(name))


@cache  # clients that are slow to read the script share its 1.5 MB
def _content(name: str) -> tuple[bytes, str, str]:
    ours = HERE / name
    source = ours if ours.exists() else files("flask_swagger_ui") / "dist" / name
    content = source.read_bytes()
    return content, ASSETS[name], generate_etag(content)


def _answer(body: bytes, content_type: str, etag: str | None = None) -> Response:
    answer = Response(body, content_type=content_type)
    answer.cache_control.no_cache = True  # it may be kept, and is asked for again
    answer.set_etag(etag or generate_etag(body))  # a hash, since an artefact's files all have one time
    return make_conditional(answer)
