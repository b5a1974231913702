"""The log of requests and of errors, in one process: what is told, what is not, and to whom."""

import io
import json
import logging
import re
import subprocess
import sys
from uuid import uuid4

import pytest
from msgspec.structs import asdict

from news.dao import NewsDao
from news.model import NewsFilter
from shared import pagination
from shared.constants import REQUEST_ID
from shared.errors import Unavailable
from shared.lambda_adapter.handler import make_handler
from shared.observability.context import CURRENT_CONTEXT, RequestContext, request_context
from shared.observability.logs import init_logs
from shared.observability.metrics import CACHE, EVENT_COUNTERS, NAMESPACE
from shared.observability.request_log import labels_for
from shared.observability.tracing import valid_traceparent, xray_root
from support import token_issuer
from support.cache_harness import make_app
from support.dynamodb_proxy import Proxy, throttled
from support.environment import CLEAN, ROOT, settings_for
from support.event_builders import Sent, http_api_2
from support.fakes import FakeDao, sent, stored
from support.log_lines import lines_in, metrics_of, requests_in, total
from support.sample_apps import CONTEXT
from tools.local.tables import create_tables

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
ROOT_ID = "1-5759e988-bd862e3fe1be46a994272793"
XRAY = f"Root={ROOT_ID};Parent=53995c3f42cd8ad8;Sampled=1"
SECRETS = ("s3cr3t-token", "s3cr3t-body", "s3cr3t-query", "s3cr3t-header", "s3cr3t-path")


@pytest.fixture(autouse=True)
def plain_log():
    """Another test's log is text, on the standard error of its time."""
    yield
    init_logs("INFO", as_json=False)


@pytest.fixture
def dao():
    dao = FakeDao()
    dao.add(stored(1))
    return dao


@pytest.fixture
def app(dao):
    return make_app(dao, None, log_json=True)


@pytest.fixture
def ask(app, capsys):
    """Sends a request, and gives the lines about it."""

    def ask(path, method="GET", **options):
        capsys.readouterr()
        app.test_client().open(path, method=method, **options)
        [line] = requests_in(capsys.readouterr().err)
        return line

    return ask


def test_a_request_is_one_line_with_its_route_and_not_its_path(ask):
    line = ask(f"/news/{stored(1).id}?")
    assert (line["route"], line["module"], line["method"]) == ("GET /news/<news_id>", "news", "GET")
    assert (line["status"], line["status_class"], line["cache"]) == (200, "2xx", "BYPASS")
    assert 0 < line["duration_ms"] < 10_000
    assert stored(1).id not in json.dumps(line)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/news", "GET /news"),
        ("GET", "/news/", "GET /news"),
        ("HEAD", "/news/", "GET /news"),
        ("OPTIONS", "/news/", "OPTIONS /news"),
        ("POST", "/news", "POST /news"),
        ("DELETE", "/news/x", "DELETE /news/<news_id>"),
        ("GET", "/health", "GET /health"),
        ("GET", "/nowhere", "none"),
        ("PATCH", "/news/", "none"),
        ("MINTED", "/news/", "none"),
        ("GET", "/%00", "none"),
    ],
)
def test_a_route_has_one_name_and_nobody_can_make_up_others(ask, method, path, route):
    line = ask(path, method)
    assert line["route"] == route
    assert line["method"] == ("" if route == "none" else method)


def test_the_observability_page_has_the_number_of_series(app):
    rules = [(method, rule) for rule in app.url_map.iter_rules() for method in rule.methods]
    routes = {labels_for(method, rule.rule, rule.endpoint, "200 OK", "").route for method, rule in rules} | {
        "none"
    }
    series = len(routes) * 4 + len(routes) + len(CACHE) + len(EVENT_COUNTERS)
    page = (ROOT / "docs" / "observability.md").read_text()
    assert f"has {len(routes)} routes and {series} series at most" in page


def test_only_the_first_request_is_a_cold_start(ask):
    assert [ask("/health")["cold_start"] for _ in range(3)] == [True, False, False]


def test_requests_and_time_are_told_by_route(ask):
    metrics = metrics_of(ask("/news/?limit=0"))
    by_route = {"route": "GET /news"}
    assert metrics["requests"] == (1, by_route | {"status_class": "4xx"})
    assert metrics["duration_ms"][1] == by_route


def test_what_the_cache_did_is_counted(dao, valkey, capsys):
    client = make_app(dao, valkey.url, log_json=True, stage="prod").test_client()
    cursor = pagination.encode(asdict(NewsFilter()), f"2026-01-01T00:00:00.000000Z#{uuid4()}")
    for path in ("/news/", "/news/", f"/news/?cursor={cursor}"):
        client.get(path)
    lines = requests_in(capsys.readouterr().err)
    assert [line["cache"] for line in lines] == ["MISS", "HIT", "BYPASS"]
    assert [total(lines, name) for name in ("cache_misses", "cache_hits", "cache_bypassed")] == [1, 1, 1]
    assert metrics_of(lines[1])["cache_hits"] == (1, {})
    assert {each["Namespace"] for each in lines[0]["_aws"]["CloudWatchMetrics"]} == {f"{NAMESPACE}-prod"}


def test_requests_are_told_whatever_the_log_level_since_metrics_are_made_from_them(dao, capsys):
    make_app(dao, None, log_json=True, log_level="CRITICAL").test_client().get("/health")
    assert len(requests_in(capsys.readouterr().err)) == 1


def test_the_text_for_a_person_is_one_line_and_heeds_the_log_level(dao, capsys):
    make_app(dao, None).test_client().get("/news/")
    assert re.search(r" INFO request: GET /news 200 \d+\.\d ms BYPASS\n$", capsys.readouterr().err)
    make_app(dao, None, log_level="WARNING").test_client().get("/news/")
    assert capsys.readouterr().err == ""


def test_an_error_is_one_more_line_with_the_same_ids(app, capsys):
    app.view_functions["news.index"] = lambda: {}["missing"]
    answer = app.test_client().get("/news/", headers={"traceparent": TRACEPARENT})
    error, line = lines_in(capsys.readouterr().err)
    assert (line["status"], line["status_class"]) == (500, "5xx")
    assert (error["level"], error["exception_name"]) == ("ERROR", "KeyError")
    assert "Traceback" in error["exception"]
    assert error["logger"] == "shared.errors"
    for each in (error, line):
        assert (each["request_id"], each["trace_id"]) == (answer.json["request_id"], TRACE)


def test_a_message_that_is_json_stays_a_text(capsys):
    init_logs("INFO", as_json=True)
    logging.getLogger("x").warning('{"message": "request"}')
    [line] = lines_in(capsys.readouterr().err)
    assert line["message"] == '{"message": "request"}'


def test_what_json_has_no_word_for_is_logged_all_the_same(capsys):
    init_logs("INFO", as_json=True)
    logging.getLogger("x").warning("\ud800 and %s", object, extra={"thing": {1, 2}})
    assert "and <class 'object'>" in capsys.readouterr().err


def test_setting_up_the_log_again_doubles_no_line(dao, capsys):
    for _ in range(3):
        app = make_app(dao, None)
    app.test_client().get("/health")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_log_that_nobody_reads_fails_no_request(app, monkeypatch):
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123  # every write to it fails
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(full))
        assert app.test_client().get("/health").status_code == 200
        sys.stderr.close()
        assert app.test_client().get("/health").status_code == 200


def test_tokens_bodies_queries_and_paths_reach_no_line(tmp_path, capsys):
    token, body, query, header, path = SECRETS

    class FailingDao(FakeDao):
        error: Exception = RuntimeError("no secret")

        def fail(self, *_):
            raise self.error

        find = page = add = fail

    dao = FailingDao()
    app = make_app(
        dao, None, log_json=True, log_level="DEBUG", auth=token_issuer.settings_of(tmp_path / "jwks.json")
    )
    client = app.test_client()
    for error in (RuntimeError("no secret"), Unavailable("away")):
        FailingDao.error = error
        for authorization in (f"Bearer {token}", f"Basic {token}", f"Bearer {token_issuer.token()}"):
            headers = {
                "Authorization": authorization,
                "Cookie": header,
                "X-Thing": header,
                "If-Match": header,
            }
            client.post(f"/news/?x={query}", json=sent(1) | {"title": body}, headers=headers)
            client.post("/news/", json=sent(1) | {"title": body}, headers=headers)
            client.post("/news/", data=body, headers=headers)
            client.get(f"/news/{path}", query_string={"q": query}, headers=headers)
            client.get("/news/", query_string={"source": query}, headers=headers)
            client.get("/news/", query_string={"cursor": query}, headers=headers)
            client.get(f"/{path}", headers={"traceparent": header, "X-Amzn-Trace-Id": header})
    said = capsys.readouterr().err
    assert len(requests_in(said)) == 42
    assert {line["status_class"] for line in requests_in(said)} == {"4xx", "5xx"}
    assert not [secret for secret in SECRETS if secret in said]


# --- traces


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        (TRACEPARENT, TRACEPARENT),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACEPARENT),
        (f"01-{TRACE}-00f067aa0ba902b7-01", TRACEPARENT),
        (f"{TRACEPARENT}-more", ""),
        (f"{TRACEPARENT}x", ""),
        (f"01-{TRACE}-00f067aa0ba902b7-01x", ""),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", ""),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", ""),
        (f"00-{TRACE}-00f067aa0ba902b-017", ""),
        (f"00-{TRACE[:-1]}g-00f067aa0ba902b7-01", ""),
        ("00", ""),
        ("-" * 55, ""),
        ("", ""),
    ],
)
def test_a_traceparent_is_taken_if_it_is_valid(header, valid):
    assert valid_traceparent(header) == valid


@pytest.mark.parametrize(
    ("header", "root"),
    [
        (XRAY, ROOT_ID),
        (f"Root={ROOT_ID}", ROOT_ID),
        (f"Self=1-67891234-12456789abcdef012345678;Root={ROOT_ID}", ROOT_ID),
        (f"Root=2{ROOT_ID[1:]}", ""),
        (f"Root={ROOT_ID}0", ""),
        (f"Root={ROOT_ID[:-1]}", ""),
        (f"Root={ROOT_ID[:-1]}g", ""),
        (f"Root={ROOT_ID.replace('e988-', 'e9880')}", ""),
        ("Root=", ""),
        ('Root="', ""),
        ("", ""),
    ],
)
def test_the_root_of_xrays_header_is_taken_if_it_is_valid(header, root):
    assert xray_root(header) == root


@pytest.mark.parametrize(
    ("headers", "trace_id", "traceparent"),
    [
        ({}, "", ""),
        ({"traceparent": TRACEPARENT}, TRACE, TRACEPARENT),
        ({"X-Amzn-Trace-Id": XRAY}, ROOT_ID, ""),
        ({"X-Amzn-Trace-Id": XRAY, "traceparent": TRACEPARENT}, ROOT_ID, TRACEPARENT),
        ({"X-Amzn-Trace-Id": "Root=x", "traceparent": "x"}, "", ""),
    ],
)
def test_a_line_names_the_trace(ask, headers, trace_id, traceparent):
    line = ask("/health", headers=headers)
    assert (line["trace_id"], line["traceparent"]) == (trace_id, traceparent)


def test_on_lambda_the_trace_is_the_invocations(app, capsys, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", XRAY)
    event = http_api_2(Sent(path="/health", headers=[("X-Amzn-Trace-Id", f"Root={ROOT_ID[:-1]}0")]))
    make_handler(app)(event, None)
    assert requests_in(capsys.readouterr().err)[0]["trace_id"] == ROOT_ID


def told_by_lambda(app, capsys, event):
    """The status that the source of an event gets, and the one line about it."""
    capsys.readouterr()
    answer = make_handler(app)(event, CONTEXT)
    [line] = requests_in(capsys.readouterr().err)
    assert line["request_id"] == "8c1f"
    return answer["statusCode"], line


def test_an_event_that_nobody_can_read_is_told_of_too(app, capsys):
    broken = http_api_2(Sent()) | {"body": "%%%", "isBase64Encoded": True}
    status, line = told_by_lambda(app, capsys, broken)
    assert (status, line["status"], line["status_class"], line["route"]) == (400, 400, "4xx", "none")
    assert metrics_of(line)["requests"] == (1, {"route": "none", "status_class": "4xx"})


@pytest.mark.parametrize("view", [lambda: "a" * 7_000_000, lambda: (1 // 0 for _ in "a")])
def test_an_answer_that_lambda_exchanges_is_told_of_as_what_went_out(app, capsys, view):
    """One over the limit of bytes, and one that fails when it has begun already."""
    app.add_url_rule("/large", "x.large", view)
    status, line = told_by_lambda(app, capsys, http_api_2(Sent(path="/large")))
    assert (status, line["status"], line["status_class"], line["route"]) == (500, 500, "5xx", "GET /large")


def test_a_request_has_the_id_that_the_platform_gave_it(ask):
    assert ask("/health", environ_overrides={REQUEST_ID: "8c1f"})["request_id"] == "8c1f"
    assert re.fullmatch("[0-9a-f-]{36}", ask("/health")["request_id"])


# --- DynamoDB


@pytest.fixture
def proxy(dynalite_url):
    with Proxy(dynalite_url) as proxy:
        yield proxy


@pytest.fixture
def table(proxy):
    settings = settings_for(proxy.url)
    create_tables(settings)
    return NewsDao(settings)


def test_calls_to_dynamodb_and_what_they_consumed_are_counted(table, capsys):
    client = make_app(table, None, log_json=True).test_client()
    client.post("/news/", json=sent(1))
    client.get("/news/")
    client.get("/news/?limit=0")
    lines = requests_in(capsys.readouterr().err)
    assert [line["dynamodb_calls"] for line in lines] == [1, 1, 0]
    created, read, refused = [line["dynamodb_capacity_units"] for line in lines]
    assert created >= 1
    assert 0 < read <= 1
    assert refused == 0


def test_each_try_that_dynamodb_throttles_is_counted(table, proxy, capsys):
    client = make_app(table, None, log_json=True).test_client()
    proxy.fault = lambda *_: throttled() if len(proxy.seen) % 2 else None
    proxy.seen.clear()
    assert client.get("/news/").status_code == 200
    proxy.fault = lambda *_: throttled("ThrottlingException")
    assert client.get("/news/").status_code == 503
    first, _, second = lines_in(capsys.readouterr().err)
    assert (first["dynamodb_calls"], metrics_of(first)["dynamodb_throttled_requests"]) == (2, (1, {}))
    assert (second["dynamodb_calls"], metrics_of(second)["dynamodb_throttled_requests"]) == (2, (2, {}))
    assert second["dynamodb_capacity_units"] == 0


def test_a_batch_of_several_units_is_added_up(table):
    token = CURRENT_CONTEXT.set(seen := RequestContext())
    table.add_many([stored(n) for n in range(1, 6)])
    CURRENT_CONTEXT.reset(token)
    assert seen.dynamodb_calls == 1
    assert seen.dynamodb_capacity_units >= 5


def test_outside_of_a_request_nothing_is_kept():
    request_context().increment("cache_unavailable")
    assert request_context().met == ()


def test_a_cached_get_imports_no_powertools_and_no_prometheus(valkey):
    code = """if True:
        import sys
        from support.cache_harness import make_app
        from support.fakes import FakeDao
        client = make_app(FakeDao(), sys.argv[1], log_json=True).test_client()
        client.get("/news/")
        assert client.get("/news/").headers["X-Cache"] == "HIT"
        print(sorted({"aws_lambda_powertools", "prometheus_client", "botocore"} & sys.modules.keys()))
    """
    env = CLEAN | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    run = [sys.executable, "-c", code, valkey.url]
    said = subprocess.run(run, env=env, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
