"""Sample apps for tests of the Lambda adapter. gunicorn loads `app`, the Lambda emulator `handler`."""

import gzip
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shared.lambda_adapter.handler import make_handler

CONTEXT = SimpleNamespace(aws_request_id="8c1f")
"""The context of an invocation."""


def mirror_app() -> Flask:
    """Return an app that responds to any request with the request as Flask sees it."""
    app = Flask("mirror", static_folder=None)
    app.before_request(describe_request)
    return app


def describe_request() -> dict[str, Any]:
    """Return the current request, without the parts that differ between servers."""
    return {
        "method": request.method,
        "path": request.path,
        "script_root": request.script_root,
        "url": request.root_url,
        "args": {name: request.args.getlist(name) for name in sorted(request.args)},
        "form": {name: request.form.getlist(name) for name in sorted(request.form)},
        "headers": sorted((name, value) for name, value in request.headers),
        "cookies": sorted(request.cookies.items(multi=True)),
        "body": request.get_data().hex(),
        "content_type": request.content_type,
        "content_length": request.content_length,
    }


def responses_app() -> Flask:  # noqa: C901  # a list of small views
    """Return an app with one route per kind of response that an adapter can get wrong."""
    app = Flask("responses", static_folder=None)

    @app.get("/cookies")
    def cookies() -> ResponseReturnValue:
        response = Response("{}", content_type="application/json")
        response.set_cookie("a", "1", path="/", httponly=True)
        response.set_cookie("b", "x,y; z", max_age=60, expires=1_900_000_000)
        response.set_cookie("c", "")
        return response

    @app.get("/repeated")
    def repeated() -> ResponseReturnValue:
        response = Response("[]", content_type="application/json")
        for name, value in [("Link", '</1>; rel="next"'), ("Link", '</0>; rel="prev"'), ("Vary", "Accept")]:
            response.headers.add(name, value)
        response.headers.add("Vary", "Accept-Encoding")
        response.headers["ETag"] = '"1"'
        return response

    @app.get("/type/<path:content_type>")
    def typed(content_type: str) -> ResponseReturnValue:
        return Response('{"text": "äöü 日本 \\n"}\n'.encode(), content_type=content_type)

    @app.get("/latin-1")
    def latin_1() -> ResponseReturnValue:
        return Response("äöü".encode("latin-1"), content_type="text/plain; charset=iso-8859-1")

    @app.get("/gzip")
    def gzipped() -> ResponseReturnValue:
        headers = {"Content-Encoding": "gzip"}
        return Response(gzip.compress(b"{}", mtime=0), headers=headers, content_type="application/json")

    @app.get("/stream")
    def stream() -> ResponseReturnValue:
        return Response(
            (f'{{"line": {number}}}\n' for number in range(3)), content_type="application/x-ndjson"
        )

    @app.get("/header")
    def header() -> ResponseReturnValue:
        return Response("", headers={"X-Name": "Zoë".encode().decode("latin-1")})

    @app.get("/status/<int:status>")
    def status(status: int) -> ResponseReturnValue:
        return Response("body", status)

    @app.get("/moved")
    def moved() -> ResponseReturnValue:
        return redirect(url_for("moved", to="ä b", _external=True))

    @app.get("/failing")
    def failing() -> ResponseReturnValue:
        raise ZeroDivisionError("the secret is 42")

    return app


class CombinedApp:
    """Both apps as one WSGI app, for one gunicorn."""

    def __init__(self) -> None:
        self.mirror, self.responses = mirror_app(), responses_app()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        app = self.responses if environ.get("HTTP_X_APP") == "responses" else self.mirror
        return app(environ, start_response)


app = CombinedApp()
handler = make_handler(mirror_app())


def handler_of(view):
    """Return the handler of an app with one view."""
    app = Flask("one", static_folder=None)
    app.add_url_rule("/", "view", view)
    return make_handler(app)
