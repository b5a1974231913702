"""The log of a running service, in Lambda's runtime and under gunicorn: records, and metrics of faults."""

import time
from collections import Counter

import pytest
import requests

from shared.cache.keys import generation_key
from shared.observability.metrics import NAMESPACE
from support.cache_harness import OLD_GENERATION, hash_tag_of
from support.dynamodb_proxy import throttled
from support.log_lines import parse_log
from support.redis_servers import BINARY, REASON
from support.running_service import Run
from support.trace_headers import ROOT_ID
from tools.local.lambda_runtime import packages
from tools.local.processes import StartError, free_port

pytestmark = pytest.mark.skipif(not BINARY, reason=REASON)

ENTRY_POINTS = ["lambda", "gunicorn"]
PATH = "/news/?source=example.com"


@pytest.fixture(params=ENTRY_POINTS)
def run(request, ministack_url, tmp_path):
    if request.param == "lambda":
        try:
            packages()
        except StartError as error:
            pytest.skip(str(error))
    with Run(request.param, ministack_url, tmp_path) as run:
        yield run


def test_every_request_is_logged_with_its_fields_and_metrics(run):
    headers = [("X-Amzn-Trace-Id", f"Root={ROOT_ID}"), ("Authorization", "Bearer s3cr3t")]
    assert run.send("GET", "/news/?limit=1") == 200  # slow; a new entry is fresh for one second only
    assert run.send("GET", PATH) == 200
    assert run.send("GET", PATH, headers=headers[:1]) == 200
    assert run.send("GET", "/s3cr3t?q=s3cr3t") == 404
    assert run.send("POST", "/news/", b'{"title": "s3cr3t"}', headers) in {401, 403}
    first, *others = run.requests()
    miss, hit, *_ = others
    assert first["cold_start"]
    assert not any(record["cold_start"] for record in others)
    assert [record["cache"] for record in (miss, hit)] == ["MISS", "HIT"]
    assert [record["route"] for record in others] == [
        *["GET /news"] * 2,
        "none",
        "POST /news",
    ]
    assert [record["dynamodb_calls"] for record in others] == [1, 0, 0, 0]
    assert miss["dynamodb_capacity_units"] > 0
    assert len({record["request_id"] for record in (first, *others)}) == 5
    assert hit["trace_id"] == ROOT_ID
    assert "s3cr3t" not in run.log.read_text()


def test_redis_failure_opens_the_circuit_breaker_and_is_counted_for_each_request(run):
    run.send("GET", PATH)
    run.valkey.stop()
    assert [run.send("GET", PATH) for _ in range(3)] == [200, 200, 200]
    assert run.sum_metric("circuit_breaker_opened") == 1
    assert run.sum_metric("cache_unavailable") == 3
    [warning] = [line for line in parse_log(run.log.read_text()) if line["level"] == "WARNING"]
    assert warning["request_id"] == run.requests()[1]["request_id"]


def test_throttled_dynamodb_calls_are_counted_and_fail_the_request_without_a_stale_entry(run):
    run.proxy.fault = lambda *_: throttled()
    assert run.send("GET", PATH) == 503
    [line] = run.requests()
    assert (line["dynamodb_throttled_requests"], line["dynamodb_calls"], line["status_class"]) == (
        2,
        2,
        "5xx",
    )


def test_a_served_stale_entry_is_counted(run):
    with run.valkey.client() as redis:
        redis.set(
            generation_key(hash_tag_of("test")), f"{time.time():.3f}-0123456789abcdef"
        )  # a recent generation: entries are fresh for 1 s
        assert run.send("GET", PATH) == 200
        time.sleep(1.1)
        run.proxy.fault = lambda *_: throttled()
        assert run.send("GET", PATH) == 200
    first, second = run.requests()
    assert first["cache"] == "MISS"
    assert (second["cache_stale_served"], second["dynamodb_throttled_requests"], second["cache"]) == (
        1,
        2,
        "HIT",
    )


def test_an_internal_error_is_a_5xx_and_its_reason_is_logged(run):
    run.proxy.fault = lambda *_: (400, b'{"__type": "com.amazon.coral#ValidationException", "message": "x"}')
    assert run.send("GET", PATH) == 500
    error, request = parse_log(run.log.read_text())
    assert (error["level"], request["status_class"]) == ("ERROR", "5xx")
    assert "ValidationException" in error["exception"]
    assert error["request_id"] == request["request_id"]


def test_prometheus_metrics_are_the_sum_of_all_workers(ministack_url, tmp_path):
    run = Run("gunicorn_with_metrics", ministack_url, tmp_path)
    metrics = f"127.0.0.1:{free_port()}"
    run.start_gunicorn_with_metrics = lambda stack: run.start_gunicorn(
        stack, WORKERS="2", METRICS_BIND=metrics
    )
    with run:
        with run.valkey.client() as redis:
            redis.set(generation_key(hash_tag_of("test")), OLD_GENERATION)
        sent_requests = 0
        while sum(line["cold_start"] for line in run.requests()) < 2:  # one worker may start later
            assert sent_requests < 2000, "one worker served all requests"
            for _ in range(40):
                requests.get(f"{run.url}/news/", timeout=10)
            sent_requests += 40
        scraped = requests.get(f"http://{metrics}/metrics", timeout=10)
        logged = Counter(line["cache"] for line in run.requests() if line["route"] == "GET /news")
        assert run.send("GET", "/metrics") == 404
    assert scraped.headers["Content-Type"].startswith("text/plain")
    start = f"{NAMESPACE.replace('-', '_')}_"
    samples = dict(
        line.removeprefix(start).rsplit(" ", 1) for line in scraped.text.splitlines() if line[0] != "#"
    )
    counts = {name: float(number) for name, number in samples.items()}
    assert counts['requests_total{route="GET /news",status_class="2xx"}'] == sent_requests
    assert counts['request_duration_seconds_count{route="GET /news"}'] == sent_requests
    assert counts["cache_hits_total"] == logged["HIT"] > 0
    assert counts["cache_misses_total"] == logged["MISS"] > 0
    assert counts["cache_bypassed_total"] == logged["BYPASS"]
