"""Scopes: declared below each route, checked at startup, and enforced."""

import pytest
from flask import Blueprint
from werkzeug.routing import Rule

from shared.auth.scopes import UndeclaredScope, require_scope
from support import token_issuer
from support.auth_harness import INSUFFICIENT_SCOPE, SCOPE, assert_refused, create, make_app
from support.fakes import FakeDao, sent

# --- scopes are declared, and checked at startup


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
def test_an_unsafe_route_without_a_scope_aborts_startup(method):
    routes = Blueprint("shop", __name__, url_prefix="/shop")
    routes.add_url_rule("/<item>", "change", lambda item: "", methods=["GET", method])
    with pytest.raises(
        UndeclaredScope, match=rf"^{method} /shop/<item> \(shop.change\) declares no scope: .*require_scope"
    ):
        make_app().register_blueprint(routes)


def test_an_unsafe_route_of_the_app_itself_without_a_scope_aborts_startup():
    with pytest.raises(UndeclaredScope):
        make_app().post("/buy")(lambda: "")
    with pytest.raises(UndeclaredScope):
        make_app().add_url_rule("/buy", "nothing", methods=["POST"])


def test_a_safe_route_needs_no_scope(client):
    assert client.get("/news/").status_code == 200
    assert client.head("/news/").status_code == 200
    assert client.options("/news/").status_code == 200


def test_a_safe_route_with_a_scope_enforces_it(auth):
    app = make_app(auth)
    app.get("/secret")(require_scope("secret:read")(lambda: "the secret"))
    client = app.test_client()
    assert client.options("/secret").status_code == 200
    for method in ("GET", "HEAD"):
        response = client.open("/secret", method=method)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (
            401,
            'Bearer scope="secret:read"',
        )
    token = token_issuer.token(scope="secret:read")
    assert client.get("/secret", headers={"Authorization": f"Bearer {token}"}).text == "the secret"


@pytest.mark.parametrize(
    "options",
    [
        {"methods": ["POST", "OPTIONS"]},
        {"methods": ["post", "options"]},
        {"methods": ["OPTIONS"]},
        {"methods": ["GET", "HEAD", "OPTIONS"]},
        {"methods": ["POST", "OPTIONS"], "provide_automatic_options": False},
    ],
)
def test_a_view_that_handles_options_needs_its_scope(auth, options):
    app = make_app(auth)
    app.add_url_rule("/o", "o", require_scope("x:write")(lambda: "the view ran"), **options)
    client = app.test_client()
    refused = client.options("/o")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer scope="x:write"')
    bearer = {"Authorization": f"Bearer {token_issuer.token(scope='x:write')}"}
    assert client.options("/o", headers=bearer).text == "the view ran"


@pytest.mark.parametrize(
    "options",
    [
        {"methods": ["post", "PUT"]},
        {"methods": ["POST", "PUT", "OPTIONS"], "provide_automatic_options": True},
    ],
)
def test_automatic_options_need_no_token_and_run_no_view(auth, options):
    app = make_app(auth)
    view = require_scope("x:write")(lambda: "the view ran")
    app.add_url_rule("/o", "o", view, **options)
    response = app.test_client().options("/o")
    assert (response.status_code, response.data) == (200, b"")
    assert set(response.allow) == {"OPTIONS", "POST", "PUT"}


def test_options_without_a_view_or_automatic_options_get_405(auth):
    app = make_app(auth)
    view = require_scope("x:write")(lambda: "the view ran")
    app.add_url_rule("/o", "o", view, methods=["POST"], provide_automatic_options=False)
    assert app.test_client().options("/o").status_code == 405


def test_a_rule_that_bypasses_the_startup_check_gets_403(auth):
    app = make_app(auth)
    app.url_map.add(Rule("/o", endpoint="o"))  # every method
    app.view_functions["o"] = lambda: "open"
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    for method in ("POST", "DELETE", "PATCH", "PURGE"):
        assert app.test_client().open("/o", method=method, headers=bearer).status_code == 403


def test_a_view_replaced_after_startup_gets_403(auth):
    app = make_app(auth)
    app.view_functions["news.create"] = lambda: "open"
    assert create(app.test_client(), token=token_issuer.token()).status_code == 403
    assert create(app.test_client()).status_code == 403


def test_every_unsafe_news_route_needs_the_scope(auth):
    dao = FakeDao()
    client = make_app(auth, dao).test_client()
    item = create(client, token=token_issuer.token()).json
    target = f"/news/{item['id']}"
    for method, path in (("POST", "/news/"), ("POST", "/news"), ("PUT", target), ("DELETE", target)):
        assert_refused(client.open(path, method=method, json=sent()), 401, f"Bearer {SCOPE}")
    assert len(dao.items) == 1
    bearer = {"Authorization": f"Bearer {token_issuer.token()}"}
    assert client.put(target, json=sent(), headers=bearer | {"If-Match": "*"}).status_code == 200
    assert client.delete(target, headers=bearer).status_code == 204


# --- no token verification


@pytest.mark.parametrize("authorization", [None, "Bearer x", f"Bearer {token_issuer.token()}"])
def test_without_token_verification_writes_get_403(authorization):
    response = create(make_app().test_client(), authorization=authorization)
    assert_refused(response, 403, INSUFFICIENT_SCOPE)
