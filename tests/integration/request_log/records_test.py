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

from news.model import NewsFilter
from shared import pagination
from shared.constants import REQUEST_ID
from shared.observability.logs import init_logs
from shared.observability.metrics import CACHE_COUNTERS, EVENT_COUNTERS, NAMESPACE
from shared.observability.request_log import labels_for
from support.cache_harness import make_app
from support.environment import CLEAN, ROOT
from support.fakes import stored
from support.log_lines import metrics_in, parse_log, parse_request_log, sum_metric
from support.trace_headers import TRACE, TRACEPARENT


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


def test_a_request_has_the_id_from_the_platform_or_a_generated_one(log_of):
    assert log_of("/health", environ_overrides={REQUEST_ID: "8c1f"})["request_id"] == "8c1f"
    assert re.fullmatch("[0-9a-f-]{36}", log_of("/health")["request_id"])


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
