"""The cache under gevent, where all requests of a worker share one thread. Each test runs in a subprocess."""

import subprocess
import sys

import pytest

from support.environment import ROOT
from support.project_copy import WITHOUT_COVERAGE

pytest.importorskip("gevent", reason="gevent is not installed")

START = """if True:
    from gevent import monkey
    monkey.patch_all()
    import collections
    import sys
    import gevent
    sys.path.insert(0, "tests")
    from support.cache_harness import GENERATION, OLD_GENERATION, InstrumentedDao, make_app
    from support.fakes import sent
    from redis import Redis
    from shared.cache.redis_pool import MAX_CONNECTIONS

    redis = Redis.from_url(sys.argv[1], protocol=2)
    others = len(redis.client_list())  # of earlier tests
    app = make_app(InstrumentedDao(), sys.argv[1], log_level="ERROR")
    app.extensions["cache"]._breaker._clock = float  # other processes may use the CPU
    client = app.test_client()
    items = [client.post("/news/", json=sent(number)).headers["Location"] for number in range(20)]
    redis.set(GENERATION, OLD_GENERATION)
    for item in items:
        client.get(item)
    x_caches = []

    def read(times):
        client = app.test_client()
        for number in range(times):
            item = items[number % len(items)]
            response = client.get(item)
            assert response.json["id"] == item.rpartition("/")[2]
            x_caches.append(response.headers["X-Cache"])
            gevent.sleep(0)  # as the server does between two requests

    def connections():
        return len(redis.client_list()) - others
"""


def run(script, url):
    command = [sys.executable, "-c", START + script, url]
    ended = subprocess.run(command, cwd=ROOT, env=WITHOUT_COVERAGE, timeout=100, check=False)
    assert ended.returncode == 0


def test_greenlets_share_no_connection_and_return_it_to_the_pool(valkey):
    run(
        """
    for _ in range(5):
        x_caches.clear()
        greenlets = [gevent.spawn(read, 20) for _ in range(100)]
        gevent.joinall(greenlets, raise_error=True)
        assert len(x_caches) == 100 * 20
        if x_caches.count("HIT") > 1000:
            break
        gevent.sleep(10)  # Valkey was kept from the CPU, and the circuit is open
    assert x_caches.count("HIT") > 1000, collections.Counter(x_caches)
    assert connections() <= MAX_CONNECTIONS
    pool = app.extensions["cache"]._redis._pool
    assert pool.qsize() == MAX_CONNECTIONS
    """,
        valkey.url,
    )


def test_a_killed_greenlet_leaves_no_reply_for_another_one(valkey):
    run(
        """
    for number in range(200):
        greenlets = [gevent.spawn(read, 3) for _ in range(5)]
        gevent.sleep(0.0005)
        for greenlet in greenlets[:3]:
            greenlet.kill()
        gevent.joinall(greenlets[3:], raise_error=True)
    app.extensions["cache"]._redis.execute(lambda replies: None, ("PING",))
    assert app.extensions["cache"]._redis._pool.qsize() == MAX_CONNECTIONS
    """,
        valkey.url,
    )
