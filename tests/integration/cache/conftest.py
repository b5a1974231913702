"""Fixtures of the cache tests: a clock, a DAO that counts loads, and clients of apps with a real Valkey."""

import pytest

from support.cache_harness import Clock, InstrumentedDao, client_with_item, make_app
from support.fault_proxy import FaultProxy
from support.redis_servers import BINARY, REASON, Valkey


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dao():
    return InstrumentedDao()


@pytest.fixture
def app(dao, valkey, clock):
    return make_app(dao, valkey.url, clock)


@pytest.fixture
def client(app, clock):
    """A client with an item that is older than the index lag."""
    return client_with_item(app, clock)


@pytest.fixture
def other(dao, valkey, clock):
    """A client of another process, which reaches Redis directly."""
    return make_app(dao, valkey.url, clock).test_client()


@pytest.fixture
def proxy(valkey):
    with FaultProxy(valkey.port) as proxy:
        yield proxy


@pytest.fixture
def proxied(dao, proxy, clock):
    """A client with an item, of a process that reaches Redis through the proxy."""
    app = make_app(dao, f"redis://127.0.0.1:{proxy.port}", clock, can_be_slow=True)
    return client_with_item(app, clock)


@pytest.fixture(params=["list", "item"])
def url(request, client):
    return {"list": "/news/?limit=5", "item": client.item}[request.param]


@pytest.fixture
def redis(valkey):
    with valkey.client() as client:
        yield client


@pytest.fixture
def keys(redis):
    """Return a function that returns the keys in Redis."""
    return lambda: {key.decode() for key in redis.scan_iter()}


@pytest.fixture
def own_valkey(tmp_path):
    """A server for one test, which may break it."""
    if not BINARY:
        pytest.skip(REASON)
    with Valkey(tmp_path) as server:
        yield server
