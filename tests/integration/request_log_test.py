"""The request log, error records, traces and counters, in one process."""

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
from shared.observability.metrics import CACHE_COUNTERS, EVENT_COUNTERS, NAMESPACE
from shared.observability.request_log import labels_for
from shared.observability.tracing import valid_traceparent, xray_root
from support import token_issuer
from support.cache_harness import make_app
from support.dynamodb_proxy import Proxy, throttled
from support.environment import CLEAN, ROOT, settings_for
from support.event_builders import Request, http_api_2
from support.fakes import FakeDao, sent, stored
from support.log_lines import metrics_in, parse_log, parse_request_log, sum_metric
from support.sample_apps import CONTEXT
from tools.local.tables import create_tables

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
ROOT_ID = "1-5759e988-bd862e3fe1be46a994272793"
XRAY = f"Root={ROOT_ID};Parent=53995c3f42cd8ad8;Sampled=1"
SECRETS = ("s3cr3t-token", "s3cr3t-body", "s3cr3t-query", "s3cr3t-header", "s3cr3t-path")


@pytest.fixture(autouse=True)
def plain_log():
    """Restore the text log for other tests."""
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
def log_of(app, capsys):
    """Return a function that sends a request and returns its log record."""

    def log_of(path, method="GET", **options):
        capsys.readouterr()
        app.test_client().open(path, method=method, **options)
        [line] = parse_request_log(capsys.readouterr().err)
        return line

    return log_of


def test_a_request_is_one_record_with_its_route_and_without_its_path(log_of):
    line = log_of(f"/news/{stored(1).id}?")
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
def test_a_route_has_one_label_and_clients_cannot_add_labels(log_of, method, path, route):
    line = log_of(path, method)
    assert line["route"] == route
    assert line["method"] == ("" if route == "none" else method)


def test_the_observability_page_has_the_number_of_series(app):
    rules = [(method, rule) for rule in app.url_map.iter_rules() for method in rule.methods]
    routes = {labels_for(method, rule.rule, rule.endpoint, "200 OK", "").route for method, rule in rules} | {
        "none"
    }
    series = len(routes) * 4 + len(routes) + len(CACHE_COUNTERS) + len(EVENT_COUNTERS)
    page = (ROOT / "docs" / "observability.md").read_text()
    assert f"has {len(routes)} routes and {series} series at most" in page


def test_only_the_first_request_is_a_cold_start(log_of):
    assert [log_of("/health")["cold_start"] for _ in range(3)] == [True, False, False]


def test_requests_and_duration_are_counted_by_route(log_of):
    metrics = metrics_in(log_of("/news/?limit=0"))
    by_route = {"route": "GET /news"}
    assert metrics["requests"] == (1, by_route | {"status_class": "4xx"})
    assert metrics["duration_ms"][1] == by_route


def test_cache_results_are_counted(dao, valkey, capsys):
    client = make_app(dao, valkey.url, log_json=True, stage="prod").test_client()
    cursor = pagination.encode(asdict(NewsFilter()), f"2026-01-01T00:00:00.000000Z#{uuid4()}")
    for path in ("/news/", "/news/", f"/news/?cursor={cursor}"):
        client.get(path)
    lines = parse_request_log(capsys.readouterr().err)
    assert [line["cache"] for line in lines] == ["MISS", "HIT", "BYPASS"]
    assert [sum_metric(lines, name) for name in ("cache_misses", "cache_hits", "cache_bypassed")] == [1, 1, 1]
    assert metrics_in(lines[1])["cache_hits"] == (1, {})
    assert {each["Namespace"] for each in lines[0]["_aws"]["CloudWatchMetrics"]} == {f"{NAMESPACE}-prod"}


def test_requests_are_logged_as_json_at_every_log_level(dao, capsys):
    make_app(dao, None, log_json=True, log_level="CRITICAL").test_client().get("/health")
    assert len(parse_request_log(capsys.readouterr().err)) == 1


def test_the_text_format_is_one_line_and_respects_the_log_level(dao, capsys):
    make_app(dao, None).test_client().get("/news/")
    assert re.search(r" INFO request: GET /news 200 \d+\.\d ms BYPASS\n$", capsys.readouterr().err)
    make_app(dao, None, log_level="WARNING").test_client().get("/news/")
    assert capsys.readouterr().err == ""


def test_an_error_is_logged_with_the_ids_of_its_request(app, capsys):
    app.view_functions["news.index"] = lambda: {}["missing"]
    response = app.test_client().get("/news/", headers={"traceparent": TRACEPARENT})
    error, line = parse_log(capsys.readouterr().err)
    assert (line["status"], line["status_class"]) == (500, "5xx")
    assert (error["level"], error["exception_name"]) == ("ERROR", "KeyError")
    assert "Traceback" in error["exception"]
    assert error["logger"] == "shared.web.problems"
    for record in (error, line):
        assert (record["request_id"], record["trace_id"]) == (response.json["request_id"], TRACE)


def test_a_message_that_is_json_is_logged_as_a_string(capsys):
    init_logs("INFO", as_json=True)
    logging.getLogger("x").warning('{"message": "request"}')
    [line] = parse_log(capsys.readouterr().err)
    assert line["message"] == '{"message": "request"}'


def test_values_that_json_cannot_represent_are_logged_as_strings(capsys):
    init_logs("INFO", as_json=True)
    logging.getLogger("x").warning("\ud800 and %s", object, extra={"thing": {1, 2}})
    assert "and <class 'object'>" in capsys.readouterr().err


def test_fields_of_extra_are_logged_and_replace_no_field_of_the_service(capsys):
    init_logs("INFO", as_json=True)
    logging.getLogger("x").warning("text", extra={"items": 3, "level": "none", "absent": None})
    [line] = parse_log(capsys.readouterr().err)
    assert (line["items"], line["level"], "absent" in line) == (3, "WARNING", False)


def test_initializing_the_log_again_does_not_duplicate_records(dao, capsys):
    for _ in range(3):
        app = make_app(dao, None)
    app.test_client().get("/health")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_broken_standard_error_does_not_fail_requests(app, monkeypatch):
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123  # every write fails
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(full))
        assert app.test_client().get("/health").status_code == 200
        sys.stderr.close()
        assert app.test_client().get("/health").status_code == 200


def test_tokens_headers_bodies_queries_and_paths_are_not_logged(tmp_path, capsys):
    token, body, query, header, path = SECRETS

    class FailingDao(FakeDao):
        error: Exception = RuntimeError("no secret")

        def fail(self, *_):
            raise self.error

        find = page = add = fail

    dao = FailingDao()
    app = make_app(
        dao, None, log_json=True, log_level="DEBUG", auth=token_issuer.auth_settings(tmp_path / "jwks.json")
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
    output = capsys.readouterr().err
    assert len(parse_request_log(output)) == 42
    assert {line["status_class"] for line in parse_request_log(output)} == {"4xx", "5xx"}
    assert not [secret for secret in SECRETS if secret in output]


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
def test_a_valid_traceparent_is_accepted_and_an_invalid_one_ignored(header, valid):
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
def test_a_valid_xray_root_is_accepted_and_an_invalid_one_ignored(header, root):
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
def test_a_record_has_the_trace_ids(log_of, headers, trace_id, traceparent):
    line = log_of("/health", headers=headers)
    assert (line["trace_id"], line["traceparent"]) == (trace_id, traceparent)


def test_on_lambda_the_trace_id_is_that_of_the_invocation(app, capsys, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", XRAY)
    event = http_api_2(Request(path="/health", headers=[("X-Amzn-Trace-Id", f"Root={ROOT_ID[:-1]}0")]))
    make_handler(app)(event, None)
    assert parse_request_log(capsys.readouterr().err)[0]["trace_id"] == ROOT_ID


def invoke_lambda(app, capsys, event):
    """Return the status code of the Lambda response, and the one log record of the request."""
    capsys.readouterr()
    response = make_handler(app)(event, CONTEXT)
    [line] = parse_request_log(capsys.readouterr().err)
    assert line["request_id"] == "8c1f"
    return response["statusCode"], line


def test_a_malformed_event_is_logged(app, capsys):
    broken = http_api_2(Request()) | {"body": "%%%", "isBase64Encoded": True}
    status, line = invoke_lambda(app, capsys, broken)
    assert (status, line["status"], line["status_class"], line["route"]) == (400, 400, "4xx", "none")
    assert metrics_in(line)["requests"] == (1, {"route": "none", "status_class": "4xx"})


@pytest.mark.parametrize("view", [lambda: "a" * 7_000_000, lambda: (1 // 0 for _ in "a")])
def test_a_response_that_the_adapter_replaces_is_logged_with_the_final_status(app, capsys, view):
    """A response over the size limit, and one that fails while its body is read."""
    app.add_url_rule("/large", "x.large", view)
    status, line = invoke_lambda(app, capsys, http_api_2(Request(path="/large")))
    assert (status, line["status"], line["status_class"], line["route"]) == (500, 500, "5xx", "GET /large")


def test_a_request_has_the_id_from_the_platform_or_a_generated_one(log_of):
    assert log_of("/health", environ_overrides={REQUEST_ID: "8c1f"})["request_id"] == "8c1f"
    assert re.fullmatch("[0-9a-f-]{36}", log_of("/health")["request_id"])


# --- DynamoDB


@pytest.fixture
def proxy(ministack_url):
    with Proxy(ministack_url) as proxy:
        yield proxy


@pytest.fixture
def table(proxy):
    settings = settings_for(proxy.url)
    create_tables(settings)
    return NewsDao(settings)


def test_dynamodb_calls_and_consumed_capacity_are_counted(table, capsys):
    client = make_app(table, None, log_json=True).test_client()
    client.post("/news/", json=sent(1))
    client.get("/news/")
    client.get("/news/?limit=0")
    lines = parse_request_log(capsys.readouterr().err)
    assert [line["dynamodb_calls"] for line in lines] == [1, 1, 0]
    created, read, rejected = [line["dynamodb_capacity_units"] for line in lines]
    assert created >= 1
    assert 0 < read <= 1
    assert rejected == 0


def test_each_throttled_dynamodb_call_is_counted(table, proxy, capsys):
    client = make_app(table, None, log_json=True).test_client()
    proxy.fault = lambda *_: throttled() if len(proxy.operations) % 2 else None
    proxy.operations.clear()
    assert client.get("/news/").status_code == 200
    proxy.fault = lambda *_: throttled("ThrottlingException")
    assert client.get("/news/").status_code == 503
    first, _, second = parse_log(capsys.readouterr().err)
    assert (first["dynamodb_calls"], metrics_in(first)["dynamodb_throttled_requests"]) == (2, (1, {}))
    assert (second["dynamodb_calls"], metrics_in(second)["dynamodb_throttled_requests"]) == (2, (2, {}))
    assert second["dynamodb_capacity_units"] == 0


def test_the_consumed_capacity_of_a_batch_is_the_sum_of_its_items(table):
    token = CURRENT_CONTEXT.set(ctx := RequestContext())
    table.add_many([stored(n) for n in range(1, 6)])
    CURRENT_CONTEXT.reset(token)
    assert ctx.dynamodb_calls == 1
    assert ctx.dynamodb_capacity_units >= 5


def test_counters_outside_of_a_request_are_discarded():
    request_context().increment("cache_unavailable")
    assert request_context().counters == ()


def test_a_cached_get_imports_neither_prometheus_nor_botocore(valkey):
    code = """if True:
        import sys
        from support.cache_harness import make_app
        from support.fakes import FakeDao
        client = make_app(FakeDao(), sys.argv[1], log_json=True).test_client()
        client.get("/news/")
        assert client.get("/news/").headers["X-Cache"] == "HIT"
        print(sorted({"prometheus_client", "botocore"} & sys.modules.keys()))
    """
    env = CLEAN | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    run = [sys.executable, "-c", code, valkey.url]
    output = subprocess.run(run, env=env, capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "[]"
