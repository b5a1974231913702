"""HTTP exceptions of Flask and werkzeug as problems, on an app without modules."""

import pytest
from flask import abort
from werkzeug.exceptions import ServiceUnavailable, Unauthorized
from werkzeug.routing import RequestRedirect

from shared.app import create_app
from shared.config import Settings

RAISED = {
    "unauthorized": Unauthorized("Say who you are.", www_authenticate=None),
    "busy": ServiceUnavailable("Come back.", retry_after=7),
    "moved": RequestRedirect("http://localhost/there"),
}


@pytest.fixture
def client():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))

    @app.get("/raise/<name>")
    def raise_it(name):
        if name in RAISED:
            raise RAISED[name]
        abort(int(name))

    return app.test_client()


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 414, 415, 418, 429, 500, 501]
)
def test_every_http_exception_is_a_problem(client, status):
    response = client.get(f"/raise/{status}")
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == status
    assert response.json["detail"]


def test_the_headers_of_an_http_exception_are_kept(client):
    response = client.get("/raise/busy")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")
    assert response.json["detail"] == "Come back."


def test_a_redirect_is_not_an_error(client):
    response = client.get("/raise/moved")
    assert (response.status_code, response.headers["Location"]) == (308, "http://localhost/there")
