"""An invalidation that Redis does not confirm is retried, and leaves stale data for a minute at most."""

import pytest

from support.cache_harness import change, make_app, x_cache
from support.fakes import sent


@pytest.fixture
def client(proxied):
    return proxied


@pytest.mark.parametrize("fault", ["refuse", "silent"])
def test_a_failed_invalidation_is_logged_and_leaves_stale_data_for_a_minute_at_most(
    client, other, proxy, clock, url, fault, caplog
):
    other.get(url)
    clock.seconds += 5
    proxy.set(fault)
    change(client, "New")
    assert "invalidating news failed" in caplog.text
    assert b"New" in client.get(url).data
    stale = []
    for _ in range(70):
        clock.seconds += 1
        stale.append(b"New" not in other.get(url).data)
    assert stale.index(False) <= 60 - 5
    assert not any(stale[stale.index(False) :])


def test_a_failed_invalidation_is_retried_by_the_next_request(client, other, proxy, url):
    other.get(url)
    proxy.set("refuse")
    change(client, "New")
    proxy.set("pass")
    assert b"New" not in other.get(url).data
    assert b"New" in client.get(url).data
    assert b"New" in other.get(url).data


def test_an_invalidation_that_timed_out_is_retried_before_the_next_lookup(client, other, proxy, clock, url):
    proxy.set("silent")
    client.get(url)
    proxy.set("pass")
    other.get(url)
    change(client, "New")
    assert x_cache(client.get(url)) == (200, "BYPASS")
    assert b"New" not in other.get(url).data
    clock.seconds += 10
    client.get("/news/?limit=77")
    assert b"New" in other.get(url).data


def test_a_write_after_a_restart_invalidates_the_cache(client, other, proxy, url):
    """The circuit is still open, but an invalidation bypasses it after a fast failure."""
    proxy.set("refuse")
    client.get(url)
    proxy.set("pass")
    other.get(url)
    change(client, "New")
    assert b"New" in other.get(url).data


def test_a_restart_from_an_old_dump_serves_stale_data_for_a_minute_at_most(dao, own_valkey, clock):
    client = make_app(dao, own_valkey.url, clock).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    clock.seconds += 10
    client.get(item)
    with own_valkey.client() as redis:
        redis.save()
    change(client, "New", item)
    own_valkey.process.kill()
    own_valkey.process.wait()
    own_valkey.start()
    assert client.get(item).json["title"] != "New"  # generation and entry come from the dump
    clock.seconds += 60
    assert client.get(item).json["title"] == "New"
