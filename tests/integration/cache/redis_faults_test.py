"""Requests while Redis is down, slow, full, restarted, or denying commands."""

import socket
import time

import pytest

from support.cache_harness import change, make_app, write_and_read, x_cache
from support.fakes import sent
from support.fault_proxy import FaultProxy


@pytest.fixture
def client(proxied):
    return proxied


@pytest.mark.parametrize("fault", ["refuse", "silent", "cut"])
def test_without_redis_every_response_is_correct_and_redis_is_used_again_later(client, proxy, clock, fault):
    assert "HIT" in write_and_read(client, client.item)
    proxy.set(fault)
    assert set(write_and_read(client, client.item)) == {"BYPASS"}
    proxy.set("pass")
    clock.seconds += 10
    assert write_and_read(client, client.item)[-4:] == ["MISS", "MISS", "HIT", "HIT"]


@pytest.mark.parametrize("fault", ["refuse", "silent", "cut"])
def test_an_unreachable_redis_costs_readers_one_attempt_in_ten_seconds(client, proxy, clock, url, fault):
    proxy.set(fault)
    for _ in range(3):
        before = proxy.attempts
        client.get(url)
        tried = proxy.attempts
        assert tried > before or fault == "refuse"
        assert {x_cache(client.get(url)) for _ in range(5)} == {(200, "BYPASS")}
        assert proxy.attempts == tried
        clock.seconds += 10


def test_a_silent_redis_delays_a_request_briefly(client, proxy, url):
    proxy.set("silent")
    started = time.monotonic()
    client.get(url)
    assert time.monotonic() - started < 2  # 0.5 s, plus a margin for a busy machine


def test_a_silent_redis_costs_writers_one_attempt_in_ten_seconds(client, proxy):
    proxy.set("silent")
    client.get("/news/")
    tried = proxy.attempts
    write_and_read(client, client.item)
    assert proxy.attempts == tried


def test_a_slow_redis_is_bypassed(dao, valkey):
    with FaultProxy(valkey.port) as proxy:
        client = make_app(dao, f"redis://127.0.0.1:{proxy.port}").test_client()
        item = client.post("/news/", json=sent()).headers["Location"]
        proxy.set("slow", 0.1)
        for _ in range(4):
            client.get("/news/")
        tried = proxy.attempts
        assert {x_cache(client.get(url)) for url in (item, "/news/") for _ in range(3)} == {(200, "BYPASS")}
        assert proxy.attempts == tried
        assert set(write_and_read(client, item)) == {"BYPASS"}


@pytest.mark.parametrize("delay", [0.02, 0.1])
def test_a_write_invalidates_the_cache_in_a_slow_redis(client, other, proxy, url, delay):
    proxy.set("slow", delay)
    for number in range(5):
        client.get("/news/")
        other.get(url)
        change(client, f"New {number}")
        assert b"New %d" % number in other.get(url).data


def test_a_closed_connection_costs_one_retry(client, valkey, url):
    client.get(url)
    with valkey.client() as redis:
        redis.client_kill_filter(_type="normal", skipme=True)
    assert x_cache(client.get(url)) == (200, "HIT")


def test_a_silently_dead_connection_costs_one_retry(client, proxy, url):
    client.get(url)
    proxy.freeze_open()
    assert x_cache(client.get(url)) == (200, "HIT")


def test_a_first_attempt_that_arrives_after_its_retry_restores_no_old_data(client, other, proxy, valkey, url):
    """The kernel resends a lost packet even after the program has given up."""
    client.get(url)
    proxy.freeze_open()
    change(client, "First")
    assert b"First" in other.get(url).data
    change(other, "Second", client.item)
    with socket.create_connection(("127.0.0.1", valkey.port)) as late:
        late.sendall(proxy.swallowed)
        assert late.recv(1 << 20).startswith(b":1\r\n+OK")  # DEL, SET
    assert b"Second" in other.get(url).data


def test_a_restart_of_redis_only_empties_the_cache(dao, own_valkey, clock):
    client = make_app(dao, own_valkey.url, clock).test_client()
    client.item = client.post("/news/", json=sent()).headers["Location"]
    write_and_read(client, client.item)
    for _ in range(3):
        own_valkey.stop()
        own_valkey.start()
        assert write_and_read(client, client.item)[:4] == ["MISS", "MISS", "HIT", "HIT"]


def test_a_redis_out_of_memory_serves_entries_and_still_invalidates_them(dao, own_valkey, clock):
    client = make_app(dao, own_valkey.url, clock).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    client.get("/news/")
    with own_valkey.client() as redis:
        redis.config_set("maxmemory", 1)
        assert x_cache(client.get("/news/")) == (200, "HIT")
        assert set(write_and_read(client, item)) == {"BYPASS"}
        redis.config_set("maxmemory", 0)
    assert write_and_read(client, item)[-4:] == ["MISS", "MISS", "HIT", "HIT"]


@pytest.mark.parametrize("allowed", ["-@all", "-@all +mget", "-@all +mget +set", "+@all -mget", "+@all -set"])
def test_a_redis_that_denies_commands_is_bypassed(dao, own_valkey, clock, allowed):
    client = make_app(dao, own_valkey.url, clock).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    client.get("/news/")
    with own_valkey.client() as default:
        default.execute_command("ACL", "SETUSER", "admin", "on", ">x", "~*", "+@all")
    with own_valkey.client(username="admin", password="x") as redis:
        redis.execute_command("ACL", "SETUSER", "default", *allowed.split())
        assert "HIT" not in write_and_read(client, item)
        redis.execute_command("ACL", "SETUSER", "default", "+@all")
    assert write_and_read(client, item)[-4:] == ["MISS", "MISS", "HIT", "HIT"]
