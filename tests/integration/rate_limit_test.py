"""The rate limit on a real Valkey: who is counted, what a rejected request gets, and what is stored."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from flask.testing import FlaskClient

from shared.lambda_adapter.handler import make_handler
from shared.observability.metrics import NAMESPACE
from support.cache_harness import Clock, InstrumentedDao, make_app, x_cache
from support.event_builders import ENCODERS, Request, parse_response
from support.fakes import sent
from support.fault_proxy import FaultProxy
from support.gunicorn_server import GunicornServer
from support.log_lines import parse_request_log, sum_metric
from support.sample_apps import CONTEXT

LIMIT = 3
OTHER = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def clock():
    """A clock whose minute began 20 s ago."""
    clock = Clock()
    clock.seconds += 20 - clock.seconds % 60
    return clock


@pytest.fixture
def dao():
    return InstrumentedDao()


@pytest.fixture
def app(dao, valkey, clock):
    return make_app(dao, valkey.url, clock, rate_limit=LIMIT, cors_origins=("*",))


@pytest.fixture
def client(app):
    return app.test_client()


def headers_of(response):
    return [response.headers.get(name) for name in ("RateLimit-Policy", "RateLimit", "Retry-After")]


def use_up(client, **how):
    assert [client.get("/news/", **how).status_code for _ in range(LIMIT)] == [200] * LIMIT


def test_a_response_has_the_remaining_requests_and_the_seconds_until_they_are_renewed(client, clock):
    assert headers_of(client.get("/news/")) == ['"default";q=3;w=60', '"default";r=2;t=40', None]
    clock.seconds += 39.5
    assert headers_of(client.get("/news/")) == ['"default";q=3;w=60', '"default";r=1;t=1', None]
    clock.seconds += 0.5
    assert headers_of(client.get("/news/")) == ['"default";q=3;w=60', '"default";r=2;t=60', None]


def test_a_request_beyond_the_limit_is_a_problem_until_the_minute_ends(client, clock):
    use_up(client)
    for _ in range(3):
        response = client.get("/news/")
        assert response.status_code == 429
        assert headers_of(response) == ['"default";q=3;w=60', '"default";r=0;t=40', "40"]
        assert response.content_type == "application/problem+json"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json["title"] == "Too Many Requests"
        assert response.json["detail"] == "The limit is 3 requests per minute."
    clock.seconds += 40
    use_up(client)


def test_another_client_has_a_limit_of_its_own(client):
    use_up(client)
    use_up(client, environ_overrides=OTHER)
    assert client.get("/news/").status_code == 429


def test_headers_that_a_client_sends_do_not_change_its_identity(client):
    use_up(client)
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "Authorization"):
        assert client.get("/news/", headers={name: "203.0.113.9"}).status_code == 429


def test_health_checks_and_options_are_neither_counted_nor_rejected(client):
    preflight = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "GET"}
    for _ in range(2):
        for _ in range(2 * LIMIT):
            for response in (client.get("/health"), client.options("/news/", headers=preflight)):
                assert response.status_code == 200
                assert "RateLimit" not in response.headers
        for _ in range(LIMIT):
            client.get("/news/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("HEAD", "/news/", 200),
        ("GET", "/openapi.json", 200),
        ("PATCH", "/news/", 405),
    ],
)
def test_every_other_request_is_counted(client, method, path, status):
    for _ in range(LIMIT):
        assert client.open(path, method=method).status_code == status
    assert client.open(path, method=method).status_code == 429


def test_a_rejected_write_reaches_neither_the_token_check_nor_the_database(app, client, dao):
    without_claims = FlaskClient(app)
    assert without_claims.post("/news/", json=sent()).status_code == 403
    use_up(client, environ_overrides=OTHER)
    for each in (without_claims, client):
        assert each.post("/news/", json=sent(), environ_overrides=OTHER).status_code == 429
    assert dao.items == {}


def test_pages_of_other_origins_may_read_the_headers(client):
    response = client.get("/news/", headers={"Origin": "https://a.example.com"})
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


def test_a_cached_response_has_the_headers_of_its_client_and_stores_none(client, valkey):
    responses = [client.get("/news/", environ_overrides=how) for how in ({}, OTHER, OTHER)]
    assert [x_cache(each) for each in responses] == [(200, "MISS"), (200, "HIT"), (200, "HIT")]
    assert [headers_of(each)[1] for each in responses] == [f'"default";r={left};t=40' for left in (2, 2, 1)]
    unchanged = client.get("/news/", headers={"If-None-Match": responses[0].headers["ETag"]})
    assert (x_cache(unchanged), headers_of(unchanged)[1]) == ((304, "HIT"), '"default";r=1;t=40')
    with valkey.client() as redis:
        [entry] = [redis.get(key) for key in redis.keys("*:index:*")]
    assert b"ratelimit" not in entry.lower()


def test_counters_are_short_expire_and_have_a_slot_of_their_own(client, clock, valkey):
    client.get("/news/", environ_overrides={"REMOTE_ADDR": "2001:db8:ffff:ffff:1:2:3:4"})
    with valkey.client() as redis:
        [key] = redis.keys("*rate_limit*")
        assert 60 < redis.ttl(key) <= 120
    assert (
        key.decode() == f"{{{NAMESPACE}:local:rate_limit:2001:db8:ffff:ffff::/64}}:{int(clock.seconds // 60)}"
    )


def test_a_cached_read_makes_one_more_round_trip(dao, valkey, clock):
    with FaultProxy(valkey.port) as proxy:
        client = make_app(dao, f"redis://127.0.0.1:{proxy.port}", clock, rate_limit=9).test_client()
        client.get("/news/")
        before = proxy.round_trips
        assert x_cache(client.get("/news/")) == (200, "HIT")
        assert proxy.round_trips == before + 2


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_every_source_of_lambda_events_is_limited_by_the_verified_address(app, encode):
    handler = make_handler(app)

    def send(forged):
        request = Request(path="/news/", headers=(("X-Real-IP", forged), ("Forwarded", f"for={forged}")))
        return parse_response(handler(encode(request), CONTEXT))

    assert [send(f"192.0.2.{number}").status for number in range(LIMIT + 1)] == [200] * LIMIT + [429]
    rejected = send("192.0.2.9")
    assert rejected.headers["ratelimit"] == '"default";r=0;t=40'
    assert json.loads(rejected.body)["status"] == 429
    assert app.test_client().get("/news/").status_code == 200


def test_rejected_requests_are_counted_in_the_log(dao, valkey, clock, capsys):
    client = make_app(dao, valkey.url, clock, rate_limit=LIMIT, log_json=True).test_client()
    for _ in range(LIMIT + 2):
        client.get("/news/")
    records = parse_request_log(capsys.readouterr().err)
    assert sum_metric(records, "rate_limited") == 2
    assert [each["status"] for each in records] == [200] * LIMIT + [429] * 2


def test_parallel_requests_to_all_workers_share_one_count(valkey, tmp_path):
    env = {"RATE_LIMIT": "20", "REDIS_URL": valkey.url, "WORKERS": "2"}
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    with GunicornServer(folders[0], **env) as one, GunicornServer(folders[1], **env) as two:
        urls = [f"{server.url}/openapi.json" for server in (one, two)] * 30
        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(lambda url: requests.get(url, timeout=60).status_code, urls))
    with valkey.client() as redis:
        counts = [int(redis.get(key)) for key in redis.keys("*rate_limit*")]
    assert len(counts) <= 2  # one for each minute
    assert sum(counts) == len(urls) == statuses.count(200) + statuses.count(429)
    assert statuses.count(200) == sum(min(20, count) for count in counts)
