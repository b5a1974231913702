"""Requests while Redis is down, slow, full, returning errors, restarted, or holding corrupt data."""

import json
import pickle
import socket
import subprocess
import sys
import threading
import time
from zlib import crc32

import pytest

from shared.cache.redis_pool import MAX_CONNECTIONS
from support.cache_harness import (
    GENERATION,
    OLD_GENERATION,
    TAG,
    Clock,
    InstrumentedDao,
    client_with_item,
    make_app,
    x_cache,
)
from support.environment import CLEAN, ROOT
from support.fakes import sent
from support.fault_proxy import FaultProxy
from support.redis_servers import BINARY, REASON, Valkey
from tools.local.processes import free_port


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dao():
    return InstrumentedDao()


@pytest.fixture
def proxy(valkey):
    with FaultProxy(valkey.port) as proxy:
        yield proxy


@pytest.fixture
def client(dao, proxy, clock):
    """A client of a process that reaches Redis through the proxy."""
    app = make_app(dao, f"redis://127.0.0.1:{proxy.port}", clock, can_be_slow=True)
    return client_with_item(app, clock)


@pytest.fixture
def other(dao, valkey, clock):
    """A client of another process that reaches Redis directly."""
    return make_app(dao, valkey.url, clock).test_client()


@pytest.fixture
def own_valkey(tmp_path):
    """A server for one test, which may break it."""
    if not BINARY:
        pytest.skip(REASON)
    with Valkey(tmp_path) as server:
        yield server


@pytest.fixture(params=["list", "item"])
def url(request, client):
    return {"list": "/news/?limit=5", "item": client.item}[request.param]


def change(client, item, title):
    return client.put(item, json=sent(title=title), headers={"If-Match": "*"}).status_code


def write_and_read(client, item, times=3):
    """Write and read, check the responses, and return their X-Cache values."""
    x_caches = []
    for number in range(times):
        assert change(client, item, f"Try {number}") == 200
        for _ in range(2):
            one, all_ = client.get(item), client.get("/news/")
            assert one.json["title"] == all_.json["items"][0]["title"] == f"Try {number}"
            x_caches += [one.headers["X-Cache"], all_.headers["X-Cache"]]
    assert client.get("/news/none").status_code == 404
    return x_caches


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
        assert change(client, client.item, f"New {number}") == 200
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
    assert change(client, client.item, "First") == 200
    assert b"First" in other.get(url).data
    assert change(other, client.item, "Second") == 200
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


def corruptions(entry):
    """Return values that may replace an entry."""
    checksum, _, body = entry.split(b"\n")
    return {
        "empty": b"",
        "other data": b"rubbish",
        "no lines": entry.replace(b"\n", b""),
        "truncated": entry[:-1],
        "another body": entry.replace(b"Try", b"Lie"),
        "another time": entry.replace(b'"loaded_at":19', b'"loaded_at":18'),
        "pickle": pickle.dumps(("a", 1)),
        "only a checksum": checksum,
        "no JSON": b"%08x\n" % 0,
        "zeros": bytes(len(entry)),
        "another release": b"8c736521\n{}\n" + body,
        "twice": entry + entry,
    }


CORRUPTIONS = sorted(corruptions(b"\n\n"))


@pytest.mark.parametrize("case", CORRUPTIONS)
def test_a_corrupt_entry_is_a_miss(client, valkey, case):
    change(client, client.item, "Try")
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, corruptions(redis.get(key))[case])
    responses = [client.get(client.item) for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "MISS"), (200, "HIT")]
    assert [response.json["title"] for response in responses] == ["Try"] * 2


def forged(entry, **changes):
    """Return a changed entry with a valid checksum."""
    _, metadata, body = entry.split(b"\n", 2)
    text = json.dumps(json.loads(metadata) | changes).encode() + b"\n" + body
    return b"%08x\n" % crc32(text) + text


FORGERIES = {
    "a header": {"headers": [["Set-Cookie", "who=me"]]},
    "another one": {"headers": [["Access-Control-Allow-Origin", "*"]]},
    "a header's end": {"headers": [["ETag", '"1"\r\nSet-Cookie: who=me']]},
    "a control character": {"headers": [["ETag", "\x00"]]},
    "no Latin-1": {"headers": [["ETag", "\u2028"]]},
    "a length": {"headers": [["Content-Length", "3"]]},
    "one header twice": {"headers": [["ETag", '"1"'], ["etag", '"2"']]},
    "headers of no form": {"headers": {"ETag": 1}},
    "another key": {"key": "{news:local:news:news}:show:0"},
    "another generation": {"generation": "1.000-0123456789abcdef"},
    "no time": {"loaded_at": "x"},
    "a time in the future": {"loaded_at": 4e9},
    "a time far in the future": {"loaded_at": 1e308},
    "a time long ago": {"loaded_at": -1e308},
    "a time that is no number": {"loaded_at": float("nan")},
    "endless time": {"loaded_at": float("inf")},
    "a huge integer": {"loaded_at": 10**400},
    "a time to live that is negative": {"ttl": -1},
    "a time to live that is no number": {"ttl": float("nan")},
    "an endless time to live": {"ttl": float("inf")},
}


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forged_entry_is_a_miss(client, valkey, case):
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, forged(redis.get(key), **FORGERIES[case]))
    responses = [client.get(client.item) for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "MISS"), (200, "HIT")]
    assert "Set-Cookie" not in responses[1].headers


@pytest.mark.parametrize("ttl", [61, 1e9, 1e308, 10**15])
def test_an_entry_is_served_for_a_minute_whatever_is_stored(client, valkey, clock, ttl):
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, forged(redis.get(key), ttl=ttl))
    clock.seconds += 55
    assert x_cache(client.get(client.item)) == (200, "HIT")
    clock.seconds += 6
    assert x_cache(client.get(client.item)) == (200, "MISS")


def test_content_length_is_the_length_of_the_stored_body(client, valkey):
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, forged(redis.get(key)[:-5]))
    response = client.get(client.item)
    assert x_cache(response) == (200, "HIT")
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_an_entry_of_another_type_is_a_miss(client, valkey, url):
    client.get(url)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:*:*")
        redis.delete(key)
        redis.rpush(key, "x")
    assert [x_cache(client.get(url))[1] for _ in range(2)] == ["MISS", "HIT"]


@pytest.mark.parametrize("value", [b"", b"x", b"-", b"1-", b"\xff\xfe", None])
def test_a_corrupt_generation_is_replaced_by_a_write(client, valkey, url, value):
    client.get(url)
    with valkey.client() as redis:
        redis.delete(GENERATION)
        redis.rpush(GENERATION, "x") if value is None else redis.set(GENERATION, value)
    assert "HIT" in write_and_read(client, client.item, times=1)
    assert client.get(url).status_code == 200


def test_a_corrupt_generation_is_replaced_without_a_write(client, valkey, url):
    with valkey.client() as redis:
        redis.set(GENERATION, "x")
    assert [x_cache(client.get(url))[1] for _ in range(3)] == ["BYPASS", "MISS", "HIT"]


@pytest.mark.parametrize("fault", ["refuse", "silent"])
def test_a_failed_invalidation_is_logged_and_leaves_stale_data_for_a_minute_at_most(
    client, other, proxy, clock, url, fault, caplog
):
    other.get(url)
    clock.seconds += 5
    proxy.set(fault)
    assert change(client, client.item, "New") == 200
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
    assert change(client, client.item, "New") == 200
    proxy.set("pass")
    assert b"New" not in other.get(url).data
    assert b"New" in client.get(url).data
    assert b"New" in other.get(url).data


def test_an_invalidation_that_timed_out_is_retried_before_the_next_lookup(client, other, proxy, clock, url):
    proxy.set("silent")
    client.get(url)
    proxy.set("pass")
    other.get(url)
    assert change(client, client.item, "New") == 200
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
    assert change(client, client.item, "New") == 200
    assert b"New" in other.get(url).data


def test_a_restart_from_an_old_dump_serves_stale_data_for_a_minute_at_most(dao, own_valkey, clock):
    client = make_app(dao, own_valkey.url, clock).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    clock.seconds += 10
    client.get(item)
    with own_valkey.client() as redis:
        redis.save()
    change(client, item, "New")
    own_valkey.process.kill()
    own_valkey.process.wait()
    own_valkey.start()
    assert client.get(item).json["title"] != "New"  # generation and entry come from the dump
    clock.seconds += 60
    assert client.get(item).json["title"] == "New"


def test_more_threads_than_connections_all_get_a_response(proxy, client, valkey):
    proxy.set("slow", 0.05)
    clients = [client.application.test_client() for _ in range(4 * MAX_CONNECTIONS)]
    statuses = []
    barrier = threading.Barrier(len(clients))

    def get(client):
        barrier.wait()
        statuses.append(client.get("/news/").status_code)

    threads = [threading.Thread(target=get, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * len(clients)
    with valkey.client() as redis:
        assert (
            len(redis.client_list()) <= 2 * MAX_CONNECTIONS
        )  # may include connections that are being closed


def test_an_exhausted_pool_does_not_open_the_circuit(client, url):
    client.get(url)
    pool = client.application.extensions["cache"]._redis._pool
    taken = [pool.get() for _ in range(MAX_CONNECTIONS)]
    assert x_cache(client.get(url)) == (200, "BYPASS")
    pool.put(taken.pop(0))
    assert x_cache(client.get(url)) == (200, "HIT")


def test_a_missing_redis_does_not_prevent_startup(dao, clock):
    client = make_app(dao, f"redis://127.0.0.1:{free_port()}", clock).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    assert set(write_and_read(client, item)) == {"BYPASS"}
    health = client.get("/health?deep=1")
    assert (health.status_code, health.json["status"]) == (200, "degraded")
    assert health.json["checks"]["redis"] == "unreachable"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_an_unresolvable_redis_host_fails_no_request(dao, clock, host):
    client = make_app(dao, f"redis://{host}:6379", clock).test_client()
    assert x_cache(client.get("/news/")) == (200, "BYPASS")


FORK = """if True:
    import os, sys
    sys.path.insert(0, "tests")
    from support.cache_harness import Clock, InstrumentedDao, make_app, x_cache
    client = make_app(InstrumentedDao(), sys.argv[1], Clock()).test_client()
    client.get("/news/")
    assert x_cache(client.get("/news/")) == (200, "HIT")
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            all_hits = all(x_cache(client.get("/news/")) == (200, "HIT") for _ in range(50))
            os._exit(0 if all_hits else 1)
        children.append(child)
    assert all(x_cache(client.get("/news/")) == (200, "HIT") for _ in range(50))
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


def test_forked_processes_do_not_share_a_connection(valkey):
    with valkey.client() as redis:
        make_app(InstrumentedDao(), valkey.url).test_client().get("/news/")
        redis.set(GENERATION, OLD_GENERATION)
    subprocess.run([sys.executable, "-c", FORK, valkey.url], cwd=ROOT, env=CLEAN, check=True, timeout=60)
