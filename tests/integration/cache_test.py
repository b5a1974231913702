"""Which responses are cached, under which keys, and with which headers, on a real Valkey."""

import os
import subprocess
import sys

import pytest
from flask import Response
from msgspec.structs import asdict

from news.model import NewsFilter
from shared.auth.scopes import require_scope
from shared.cache.decorators import cached, invalidates
from shared.constants import CLAIMS
from shared.errors import Unavailable
from shared.observability.metrics import NAMESPACE
from shared.pagination import encode
from support.cache_harness import GENERATION, OLD_GENERATION, TAG, Clock, InstrumentedDao, make_app, x_cache
from support.environment import CLEAN, ROOT
from support.fakes import sent
from support.fault_proxy import FaultProxy
from tools.local.tables import LOCAL_NAMES

MANY = 1000


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dao():
    return InstrumentedDao()


@pytest.fixture
def app(dao, valkey, clock):
    app = make_app(dao, valkey.url, clock)
    app.add_url_rule("/cookie", view_func=cookie)
    app.add_url_rule("/status/<int:status>", view_func=other_status)
    app.add_url_rule("/elsewhere", view_func=elsewhere, methods=["POST"])
    app.add_url_rule("/private", view_func=cached("news", key=lambda: 1)(lambda: "x"))
    app.add_url_rule("/scoped", view_func=scoped)
    return app


@cached("news", key=lambda: "cookie")
def cookie():
    response = Response("x")
    response.set_cookie("who", "me")
    return response


@cached("news", key=lambda status: status)
def other_status(status):
    return "x", status


@require_scope("news:write")
@invalidates("elsewhere")
def elsewhere():
    return "x"


@require_scope("news:read")
@cached("news", key=lambda: 1, public=True)
def scoped():
    return "x"


@pytest.fixture
def client(app):
    client = app.test_client()
    client.item = client.post("/news/", json=sent()).headers["Location"]
    return client


@pytest.fixture(params=["list", "item"])
def url(request, client):
    return {"list": "/news/?limit=5", "item": client.item}[request.param]


@pytest.fixture
def keys(valkey):
    with valkey.client() as redis:
        yield lambda: {key.decode() for key in redis.scan_iter()}


def test_the_second_response_comes_from_the_cache_and_is_the_same(client, dao, clock, url):
    first = client.get(url)
    clock.seconds += 0.9
    second = client.get(url)
    assert (x_cache(first), x_cache(second)) == ((200, "MISS"), (200, "HIT"))
    assert second.data == first.data
    assert dao.loads == 1
    headers = dict(second.headers)
    assert headers.pop("Age") == "0"
    assert headers | {"X-Cache": "MISS"} == dict(first.headers)


def test_the_age_counts_from_the_start_of_the_load(client, clock, url):
    clock.seconds += 5
    client.get(url)
    clock.seconds += 42.7
    assert client.get(url).headers["Age"] == "42"


def test_head_and_get_share_an_entry(client, dao, url):
    assert x_cache(client.head(url)) == (200, "MISS")
    whole = client.get(url)
    head = client.head(url)
    assert (x_cache(whole), x_cache(head)) == ((200, "HIT"), (200, "HIT"))
    assert head.data == b""
    assert int(head.headers["Content-Length"]) == len(whole.data)
    assert dao.loads == 1


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", W/{}', "*"])
def test_a_hit_is_conditional(client, url, form):
    whole = client.get(url)
    response = client.get(url, headers={"If-None-Match": form.format(whole.headers["ETag"])})
    assert x_cache(response) == (304, "HIT")
    assert response.data == b""
    assert {"Age", "Cache-Control", "ETag"} <= set(response.headers.keys())
    assert "Content-Type" not in response.headers


def test_a_conditional_miss_stores_the_whole_response(client, url):
    assert x_cache(client.get(url, headers={"If-None-Match": "*"})) == (304, "MISS")
    response = client.get(url)
    assert x_cache(response) == (200, "HIT")
    assert response.data


def test_the_link_to_the_next_page_is_cached_with_the_list(client):
    client.post("/news/", json=sent(2))
    first, second = client.get("/news/?limit=1"), client.get("/news/?limit=1")
    assert x_cache(second) == (200, "HIT")
    assert second.headers["Link"] == first.headers["Link"]


def test_each_path_prefix_has_its_own_links(client):
    client.post("/news/", json=sent(2))
    client.get("/news/?limit=1")
    other = client.get("/news/?limit=1", environ_overrides={"SCRIPT_NAME": "/dev"})
    assert x_cache(other) == (200, "MISS")
    assert other.headers["Link"].startswith("</dev/news/?")


@pytest.mark.parametrize(
    "other", [{"stage": "prod"}, {"tables": {"news": "other-news"}}], ids=["stage", "table"]
)
def test_another_service_on_the_same_redis_shares_neither_entries_nor_invalidations(
    client, valkey, clock, other
):
    client.get("/news/")
    elsewhere = make_app(InstrumentedDao(), valkey.url, clock, **other).test_client()
    assert elsewhere.get("/news/").json["items"] == []
    assert elsewhere.post("/news/", json=sent(2)).status_code == 201
    assert x_cache(client.get("/news/")) == (200, "HIT")
    assert len(client.get("/news/").json["items"]) == 1


def test_every_key_names_project_stage_module_and_table(client, keys):
    client.get("/news/")
    assert {key.partition("}")[0] for key in keys()} == {f"{{{NAMESPACE}:local:news:news"}


MATCHING = {"category": "world", "source": "example.com", "published_at": "2026-06-01T00:00:00Z"}
SPELLINGS = [
    [
        "limit=1&since=2026-01-01T00:00:00Z",
        "since=2026-01-01T02:00:00%2B02:00&limit=1",
        "limit=1&since=2026-01-01T00:00:00.000Z",
        "%6cimit=1&since=2025-12-31T19:00:00.000000-05:00",
    ],
    ["limit=1&category=world&source=example.com", "source=example%2Ecom&category=%77orld&limit=1"],
    ["limit=1&until=2027-01-01T00:00:00Z", "limit=%31&until=2027-01-01T01:00:00%2B01:00&"],
]


@pytest.mark.parametrize("spellings", SPELLINGS)
def test_the_same_query_gets_the_same_response_however_it_is_spelled(dao, valkey, clock, spellings):
    bodies, links = set(), set()
    for first in spellings:
        with valkey.client() as redis:
            redis.flushall()
        client = make_app(dao, valkey.url, clock).test_client()
        for number in range(2):
            client.post(
                "/news/",
                json=sent(
                    number, category="world", source="example.com", published_at="2026-06-01T00:00:00Z"
                ),
            )
        clock.seconds += 10
        for spelling in [first, *spellings]:
            response = client.get(f"/news/?{spelling}")
            bodies.add(response.data)
            links.add(response.headers["Link"])
            target = response.headers["Link"].partition(">")[0][1:]
            assert client.get(target).status_code == 200
    assert len(bodies) == len(links) == 1


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


CREDENTIALS = pytest.mark.parametrize(
    "known",
    [{"headers": {"Authorization": "Bearer x"}}, {"environ_overrides": {CLAIMS: {"sub": "x"}}}],
    ids=["token", "claims of API Gateway"],
)


@CREDENTIALS
def test_a_request_with_credentials_bypasses_the_cache_where_the_view_is_not_public(client, keys, known):
    before = keys()
    response = client.get("/private", **known)
    assert x_cache(response) == (200, "BYPASS")
    assert response.headers["Cache-Control"] == "no-store"
    assert keys() == before
    client.get("/private")
    assert x_cache(client.get("/private", **known)) == (200, "BYPASS")


@CREDENTIALS
def test_a_request_with_credentials_is_served_from_the_cache_where_the_view_is_public(
    client, dao, url, known
):
    first = client.get(url, **known)
    assert x_cache(first) == (200, "MISS")
    second = client.get(url)
    assert x_cache(second) == (200, "HIT")
    assert x_cache(client.get(url, **known)) == (200, "HIT")
    assert dao.loads == 1
    assert first.data == second.data
    assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "no-cache"
    tag = second.headers["ETag"]
    unchanged = client.get(url, **known | {"headers": {"If-None-Match": tag} | known.get("headers", {})})
    assert x_cache(unchanged) == (304, "HIT")
    assert unchanged.headers["Cache-Control"] == "no-cache"


@CREDENTIALS
def test_an_error_of_a_public_view_is_not_storable(client, known):
    assert client.get("/news/none", **known).headers["Cache-Control"] == "no-store"


def test_a_public_view_that_needs_a_scope_is_no_store_for_clients(client):
    known = {"environ_overrides": {CLAIMS: {"scope": "news:read"}}}
    responses = [client.get("/scoped", **known) for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "MISS"), (200, "HIT")]
    assert {response.headers["Cache-Control"] for response in responses} == {"no-store"}
    assert client.get("/scoped").status_code in {401, 403}


@pytest.mark.parametrize(
    "headers",
    [
        {"Vary": "Accept-Language"},
        {"X-Own": "x"},
        {"Content-Encoding": "gzip"},
        {"Access-Control-Allow-Origin": "*"},
        {"Content-Language": "\x7f"},
        {"Content-Language": "\u2028"},
    ],
    ids=str,
)
def test_a_response_with_a_non_storable_header_is_not_stored(app, headers):
    app.add_url_rule("/header", "header", cached("news", key=lambda: 1)(lambda: ("x", headers)))
    client = app.test_client()
    for _ in range(2):
        response = client.get("/header")
        assert x_cache(response) == (200, "BYPASS")
        assert dict(response.headers).items() >= headers.items()


def test_storable_headers_are_part_of_a_hit(app):
    headers = {"Content-Language": "en", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Link": "</x>"}
    app.add_url_rule("/header", "header", cached("news", key=lambda: 1)(lambda: ("x", headers)))
    client = app.test_client()
    miss, hit = client.get("/header"), client.get("/header")
    assert (x_cache(miss), x_cache(hit)) == ((200, "MISS"), (200, "HIT"))
    assert dict(hit.headers) == dict(miss.headers) | {"X-Cache": "HIT", "Age": "0"}


def test_a_response_that_sets_a_cookie_is_never_cached(client, keys):
    before = keys()
    responses = [client.get("/cookie") for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "BYPASS")] * 2
    assert responses[1].headers["Cache-Control"] == "private, no-cache"
    assert keys() == before


@pytest.mark.parametrize("status", [201, 204, 404, 500])
def test_a_response_other_than_200_is_not_stored(client, keys, status):
    before = keys()
    assert [client.get(f"/status/{status}").status_code for _ in range(2)] == [status] * 2
    assert keys() == before


def test_a_missing_item_creates_no_keys(client, keys):
    before = keys()
    for number in range(10):
        assert client.get(f"/news/{number}").status_code == 404
    assert keys() == before


def test_equivalent_queries_share_an_entry(client, dao):
    same = [
        "/news",
        "/news/",
        "/news/?limit=20",
        "/news/?limit=20&",
    ]
    assert [x_cache(client.get(url))[1] for url in same] == ["MISS", "HIT", "HIT", "HIT"]
    same = ["since=2026-01-01T02:00:00%2B02:00&limit=3", "limit=3&since=2026-01-01T00:00:00Z"]
    assert [x_cache(client.get(f"/news/?{query}"))[1] for query in same] == ["MISS", "HIT"]
    assert dao.loads == 2


def test_an_id_in_upper_case_shares_the_entry(client, dao, keys):
    assert x_cache(client.get(client.item)) == (200, "MISS")
    before = keys()
    upper = f"/news/{client.item.removeprefix('/news/').upper()}"
    assert x_cache(client.get(upper)) == (200, "HIT")
    assert (keys(), dao.loads) == (before, 1)


def test_different_queries_do_not_share_an_entry(client):
    others = ["", "limit=19", "category=science", "source=science", "since=2026-01-01T00:00:00Z"]
    others += ["until=2026-01-01T00:00:00Z", "category=Science"]
    assert [x_cache(client.get(f"/news/?{query}"))[1] for query in others] == ["MISS"] * len(others)


def test_unknown_parameters_create_no_keys(client, keys):
    client.get("/news/")
    before = keys()
    for number in range(MANY):
        junk = (f"junk{number}=1", f"limit=20&limit={number}", f"category=world&source=x&utm={number}")
        assert client.get(f"/news/?{junk[number % 3]}").status_code == 400
        assert client.get(f"{client.item}?junk={number}").status_code == 400
    assert keys() == before


def test_pages_after_a_cursor_create_no_keys(client, keys):
    before = keys()
    for number in range(MANY):
        sort_key = f"2026-01-01T00:00:00.{number:06}Z#00000000-0000-5000-8000-000000000000"
        cursor = encode(asdict(NewsFilter()), sort_key)
        assert x_cache(client.get(f"/news/?cursor={cursor}")) == (200, "BYPASS")
    assert keys() == before


def test_every_key_is_in_one_slot_of_a_cluster(client, keys):
    client.get("/news/")
    client.get(client.item)
    assert len(keys()) == 3
    assert all(key.startswith(f"{TAG}:") for key in keys())


def test_an_entry_is_json_with_a_body_and_expires_after_ten_minutes(client, valkey):
    whole = client.get("/news/")
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:index:*")
        checksum, metadata, body = redis.get(key).split(b"\n")
        assert 0 < redis.pttl(key) <= 600_000
        assert redis.pttl(GENERATION) == -1
    assert body == whole.data
    assert metadata.startswith(b'{"key":"' + key)
    assert len(checksum) == 8


def test_a_hit_makes_one_round_trip(dao, valkey, clock):
    with FaultProxy(valkey.port) as proxy, valkey.client() as redis:
        client = make_app(dao, f"redis://127.0.0.1:{proxy.port}", clock).test_client()
        client.get("/news/")
        before = proxy.round_trips
        redis.config_resetstat()
        assert x_cache(client.get("/news/")) == (200, "HIT")
        assert proxy.round_trips == before + 1
        calls = {name: stats["calls"] for name, stats in redis.info("commandstats").items()}
        assert {name: count for name, count in calls.items() if "config" not in name} == {"cmdstat_mget": 1}


def test_a_hit_in_a_new_process_makes_one_round_trip_and_imports_no_aws_sdk(dao, valkey):
    script = """if True:
        import sys
        from functions.wsgi import app
        response = app.test_client().get("/news/")
        sdk = [name for name in sys.modules if name.startswith(("boto", "pynamo"))]
        print(response.headers["X-Cache"], sdk)
    """
    with valkey.client() as redis:
        redis.set(GENERATION, OLD_GENERATION)
    make_app(dao, valkey.url).test_client().get("/news/")
    with FaultProxy(valkey.port) as proxy:
        env = CLEAN | LOCAL_NAMES | {"STAGE": "local", "AWS_REGION": "us-east-1"}
        env |= {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0", "PATH": os.environ["PATH"]}
        command = [sys.executable, "-c", script]
        process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
        assert process.stdout.strip() == "HIT []"
        assert proxy.round_trips == 1


def test_without_a_cache_every_response_is_a_bypass(dao):
    client = make_app(dao, redis_url=None).test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    for url in ("/news/", item, "/news/"):
        assert x_cache(client.get(url)) == (200, "BYPASS")
    assert client.delete(item).status_code == 204


def test_health_and_errors_have_no_x_cache_header(client):
    for url in ("/health", "/news/none", "/news/?limit=0"):
        assert "X-Cache" not in client.get(url).headers


def test_the_deep_health_check_includes_redis(client):
    assert client.get("/health?deep=1").json["checks"]["redis"] == "ok"


def test_a_write_to_another_module_does_not_invalidate_the_cache(client, url):
    client.get(url)
    client.post("/elsewhere")
    assert x_cache(client.get(url)) == (200, "HIT")
