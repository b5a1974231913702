"""The rate limit fails open: whatever Redis does, a request is served."""

import pytest

from support.cache_harness import Clock, InstrumentedDao, make_app, x_cache
from support.environment import ROOT
from support.fake_redis import FakeRedis
from support.fault_proxy import FaultProxy
from support.log_lines import parse_request_log, sum_metric
from support.redis_replies import ERRORS, MALFORMED, TRUNCATED
from support.redis_servers import BINARY, REASON, Valkey
from tools.deploy.template import ResolvedTemplate, read_template

LIMIT = 2


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fake():
    with FakeRedis() as server:
        yield server


def limited_client(url, clock, **options):
    return make_app(InstrumentedDao(), url, clock, rate_limit=LIMIT, **options).test_client()


def statuses(client, times=LIMIT + 2):
    return [client.get("/news/").status_code for _ in range(times)]


def is_limited(client, clock):
    """Return whether the limit holds in the next minute, once the circuit is closed."""
    clock.seconds += 60
    return statuses(client) == [200] * LIMIT + [429] * 2


def test_without_a_fault_the_limit_holds(fake, clock):
    client = limited_client(fake.url, clock)
    assert is_limited(client, clock)


@pytest.mark.parametrize("case", [case for case in MALFORMED if case != "integer"])
def test_a_malformed_count_rejects_no_request(fake, clock, case):
    client = limited_client(fake.url, clock)
    fake.overrides = {"INCR": MALFORMED[case]}
    assert statuses(client) == [200] * 4
    fake.overrides = {}
    assert is_limited(client, clock)


@pytest.mark.parametrize("reply", [*TRUNCATED.values(), b":0\r\n", b":-7\r\n", b":x\r\n"])
def test_an_impossible_count_rejects_no_request(fake, clock, reply):
    client = limited_client(fake.url, clock)
    fake.overrides, fake.closes = {"INCR": reply}, True
    for _ in range(4):
        response = client.get("/news/")
        assert (response.status_code, response.headers.get("RateLimit")) == (200, None)
    fake.overrides, fake.closes = {}, False
    assert is_limited(client, clock)


@pytest.mark.parametrize("error", [*ERRORS, b"ERR value is not an integer or out of range"])
@pytest.mark.parametrize("command", ["SET", "INCR"])
def test_an_error_of_redis_rejects_no_request(fake, clock, command, error):
    client = limited_client(fake.url, clock)
    fake.overrides = {command: b"-%b\r\n" % error}
    assert statuses(client) == [200] * 4
    fake.overrides = {}
    assert is_limited(client, clock)


@pytest.mark.parametrize("fault", ["refuse", "silent", "cut"])
def test_a_failed_count_opens_the_circuit_so_that_no_later_call_waits(valkey, clock, fault, capsys):
    with FaultProxy(valkey.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        client = limited_client(url, clock, can_be_slow=True, log_json=True)
        assert is_limited(client, clock)
        clock.seconds += 60
        proxy.set(fault)
        capsys.readouterr()
        assert x_cache(client.get("/news/")) == (200, "BYPASS")
        tried = proxy.attempts
        assert [x_cache(client.get("/news/")) for _ in range(4)] == [(200, "BYPASS")] * 4
        assert proxy.attempts == tried
        records = parse_request_log(capsys.readouterr().err)
        assert sum_metric(records, "cache_unavailable") == 5
        assert sum_metric(records, "circuit_breaker_opened") == 1
        assert sum_metric(records, "rate_limited") == 0
        proxy.set("pass")
        assert is_limited(client, clock)


def access_string(limit):
    """Return the access string of the cache's user in template.yaml."""
    resolved = ResolvedTemplate(read_template(ROOT), Stage="local", RateLimitPerMinute=limit)
    return resolved.of_type("ElastiCache::User")["CacheUser"]["AccessString"]


def test_the_user_of_the_cache_may_count_with_a_limit_and_rejects_no_request_without_one(tmp_path, clock):
    if not BINARY:
        pytest.skip(REASON)
    with Valkey(tmp_path) as server, server.client() as redis:
        redis.execute_command("ACL", "SETUSER", "app", "nopass", *access_string(0).split())
        client = limited_client(f"redis://app:x@127.0.0.1:{server.port}", clock)
        assert [x_cache(client.get("/news/"))[1] for _ in range(4)] == ["MISS", "HIT", "HIT", "HIT"]
        assert {redis.ttl(key) > 0 for key in redis.keys("*rate_limit*")} == {True}
        redis.execute_command("ACL", "SETUSER", "app", "reset", "nopass", *access_string(LIMIT).split())
        assert is_limited(client, clock)


def test_the_docs_have_the_access_string_of_the_template():
    page = (ROOT / "docs" / "existing-resources.md").read_text()
    for limit in (0, LIMIT):
        assert f"`{access_string(limit).replace('local', '<stage>')}`" in page
