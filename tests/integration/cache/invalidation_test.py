"""Writes invalidate the cache of their own module, and rejected writes do not."""

import pytest

from shared.auth.scopes import require_scope
from shared.cache.decorators import invalidates
from shared.errors import Unavailable
from support.cache_harness import make_app, x_cache
from support.fakes import sent


@pytest.fixture
def app(dao, valkey, clock):
    app = make_app(dao, valkey.url, clock)
    app.add_url_rule("/elsewhere", view_func=elsewhere, methods=["POST"])
    return app


@require_scope("news:write")
@invalidates("elsewhere")
def elsewhere():
    return "x"


@pytest.mark.parametrize("write", ["create", "replace", "delete"])
def test_a_write_invalidates_every_entry(client, url, write):
    before = client.get(url)
    if write == "create":
        client.post("/news/", json=sent(2))
    elif write == "replace":
        client.put(client.item, json=sent(title="Other"), headers={"If-Match": "*"})
    else:
        client.delete(client.item)
    after = client.get(url)
    assert after.headers.get("X-Cache") != "HIT"
    assert after.status_code == 404 or after.headers["X-Cache"] == "MISS"
    assert after.data != before.data or "items" not in before.json


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "", {"json": {}}, 400),
        ("POST", "", {"data": "x"}, 415),
        ("POST", "", {"json": sent(title="Other")}, 409),
        ("PUT", "item", {"json": sent()}, 428),
        ("PUT", "item", {"json": sent(), "headers": {"If-Match": '"7"'}}, 412),
        ("DELETE", "item", {"headers": {"If-Match": "7"}}, 400),
        ("DELETE", "none", {}, 404),
    ],
)
def test_a_rejected_write_does_not_invalidate_the_cache(client, url, method, path, options, status):
    client.get(url)
    target = client.item if path == "item" else f"/news/{path}"
    assert client.open(target, method=method, **options).status_code == status
    assert x_cache(client.get(url)) == (200, "HIT")


def test_a_failed_write_invalidates_the_cache_because_it_may_be_stored(client, dao, url):
    client.get(url)

    def fail():
        raise Unavailable("The database did not respond.")

    dao.on_written = fail
    assert client.put(client.item, json=sent(title="New"), headers={"If-Match": "*"}).status_code == 503
    assert x_cache(client.get(url)) == (200, "MISS")
    assert b"New" in client.get(url).data


def test_a_write_to_another_module_does_not_invalidate_the_cache(client, url):
    client.get(url)
    client.post("/elsewhere")
    assert x_cache(client.get(url)) == (200, "HIT")
