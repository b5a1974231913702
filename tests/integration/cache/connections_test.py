"""The connections to Redis of threads and forked processes, and a Redis that is missing at startup."""

import subprocess
import sys
import threading

import pytest

from shared.cache.redis_pool import MAX_CONNECTIONS
from support.cache_harness import (
    GENERATION,
    OLD_GENERATION,
    InstrumentedDao,
    make_app,
    write_and_read,
    x_cache,
)
from support.environment import CLEAN, ROOT
from support.fakes import sent
from tools.local.processes import free_port


@pytest.fixture
def client(proxied):
    return proxied


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
