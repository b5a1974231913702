"""What a run really prints, in Lambda's runtime and under gunicorn: lines, and a metric for each fault."""

import sys
import time
from contextlib import ExitStack

import pytest
import requests
from lambda_runtime_test import invoke

from news.dao import NewsDao
from news.service import NewsService
from shared.cache.keys import generation_key
from shared.observability.metrics import NAMESPACE
from support import token_issuer
from support.cache_harness import OLD_GENERATION, hash_tag_of
from support.dynamodb_proxy import Proxy, throttled
from support.environment import ROOT, settings_for
from support.event_builders import Sent, got_from, http_api_2
from support.fakes import sent
from support.log_lines import lines_in, requests_in, total
from support.redis_servers import BINARY, REASON, Valkey
from tools.local.lambda_runtime import packages, serving
from tools.local.processes import Processes, StartError, free_port, wait_for_port
from tools.local.tables import LOCAL_NAMES, create_tables

pytestmark = pytest.mark.skipif(not BINARY, reason=REASON)

ENTRY_POINTS = ["lambda", "gunicorn"]
TRACE = "1-5759e988-bd862e3fe1be46a994272793"
PATH = "/news/?source=example.com"


class Run:
    """A service whose Redis and DynamoDB can be made to fail, and what it prints."""

    def __init__(self, kind, dynamodb_url, folder):
        self.kind, self.folder, self.log = kind, folder, folder / "log"
        self.proxy = Proxy(dynamodb_url)
        self.settings = settings_for(self.proxy.url)

    def __enter__(self):
        with ExitStack() as stack:
            stack.enter_context(self.proxy)
            create_tables(self.settings)
            NewsService(NewsDao(self.settings)).create(sent(1))
            self.valkey = stack.enter_context(Valkey(self.folder))
            self.environment = LOCAL_NAMES | {
                "AWS_REGION": self.settings.region,
                "AWS_ENDPOINT_URL_DYNAMODB": self.proxy.url,
                "NEWS_TABLE": self.settings.table("news"),
                "REDIS_URL": self.valkey.url,
                "STAGE": "test",
            }
            getattr(self, f"start_{self.kind}")(stack)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start_lambda(self, stack):
        url = stack.enter_context(serving("functions.news.handler", env=self.environment, log=self.log))

        def ask(method, target, body=b"", headers=()):
            path, _, query = target.partition("?")
            _, event = invoke(url, http_api_2(Sent(method, path, query, headers=headers, body=body)))
            return got_from(event).status

        self.ask = ask

    def start_gunicorn(self, stack, **more):
        auth = token_issuer.settings_of(self.folder / "jwks.json")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        tokens = {"AUTH_ISSUER": auth.issuer, "AUTH_AUDIENCE": auth.audience, "AUTH_JWKS": auth.jwks}
        env = self.environment | tokens | more | {"BIND": f"127.0.0.1:{port}", "PYTHON": sys.executable}
        server = stack.enter_context(Processes()).start([str(ROOT / "entrypoint.sh")], env, self.log)
        wait_for_port(server, port)
        session = stack.enter_context(requests.Session())

        def ask(method, target, body=b"", headers=()):
            answer = session.request(method, self.url + target, data=body, headers=dict(headers), timeout=10)
            return answer.status_code

        self.ask = ask

    def requests(self):
        return requests_in(self.log.read_text())

    def total(self, name):
        return total(self.requests(), name)


@pytest.fixture(params=ENTRY_POINTS)
def run(request, dynalite_url, tmp_path):
    if request.param == "lambda":
        try:
            packages()
        except StartError as error:
            pytest.skip(str(error))
    with Run(request.param, dynalite_url, tmp_path) as run:
        yield run


def test_every_request_is_a_line_with_its_fields_and_metrics(run):
    headers = [("X-Amzn-Trace-Id", f"Root={TRACE}"), ("Authorization", "Bearer s3cr3t")]
    assert run.ask("GET", PATH) == 200
    assert run.ask("GET", PATH, headers=headers[:1]) == 200
    assert run.ask("GET", "/s3cr3t?q=s3cr3t") == 404
    assert run.ask("POST", "/news/", b'{"title": "s3cr3t"}', headers) in {401, 403}
    missed, hit, unknown, refused = run.requests()
    assert [each["cold_start"] for each in (missed, hit, unknown, refused)] == [True, False, False, False]
    assert [each["cache"] for each in (missed, hit)] == ["MISS", "HIT"]
    assert [each["route"] for each in (missed, hit, unknown, refused)] == [
        *["GET /news"] * 2,
        "none",
        "POST /news",
    ]
    assert [each["dynamodb_calls"] for each in (missed, hit, unknown, refused)] == [1, 0, 0, 0]
    assert missed["dynamodb_capacity_units"] > 0
    assert len({each["request_id"] for each in (missed, hit, unknown, refused)}) == 4
    assert hit["trace_id"] == TRACE
    assert "s3cr3t" not in run.log.read_text()


def test_redis_gone_opens_the_circuit_and_each_request_says_so(run):
    run.ask("GET", PATH)
    run.valkey.stop()
    assert [run.ask("GET", PATH) for _ in range(3)] == [200, 200, 200]
    assert run.total("circuit_breaker_opened") == 1
    assert run.total("cache_unavailable") == 3
    [warning] = [line for line in lines_in(run.log.read_text()) if line["level"] == "WARNING"]
    assert warning["request_id"] == run.requests()[1]["request_id"]


def test_a_throttled_database_is_counted_and_without_an_old_answer_it_is_an_error(run):
    run.proxy.fault = lambda *_: throttled()
    assert run.ask("GET", PATH) == 503
    [line] = run.requests()
    assert (line["dynamodb_throttled_requests"], line["dynamodb_calls"], line["status_class"]) == (
        2,
        2,
        "5xx",
    )


def test_an_old_answer_that_is_served_is_counted(run):
    with run.valkey.client() as redis:
        redis.set(
            generation_key(hash_tag_of("test")), f"{time.time():.3f}-0123456789abcdef"
        )  # so young that answers are fresh for 1 s
        assert run.ask("GET", PATH) == 200
        time.sleep(1.1)
        run.proxy.fault = lambda *_: throttled()
        assert run.ask("GET", PATH) == 200
    first, second = run.requests()
    assert first["cache"] == "MISS"
    assert (second["cache_stale_served"], second["dynamodb_throttled_requests"], second["cache"]) == (
        1,
        2,
        "HIT",
    )


def test_a_failure_of_ours_is_a_5xx_and_its_line_has_the_reason(run):
    run.proxy.fault = lambda *_: (400, b'{"__type": "com.amazon.coral#ValidationException", "message": "x"}')
    assert run.ask("GET", PATH) == 500
    error, request = lines_in(run.log.read_text())
    assert (error["level"], request["status_class"]) == ("ERROR", "5xx")
    assert "ValidationException" in error["exception"]
    assert error["request_id"] == request["request_id"]


def test_prometheus_adds_up_all_workers(dynalite_url, tmp_path):
    run = Run("nothing", dynalite_url, tmp_path)
    metrics = f"127.0.0.1:{free_port()}"
    run.start_nothing = lambda stack: run.start_gunicorn(stack, WORKERS="2", METRICS_BIND=metrics)
    with run:
        with run.valkey.client() as redis:
            redis.set(generation_key(hash_tag_of("test")), OLD_GENERATION)
        asked = 0
        while sum(line["cold_start"] for line in run.requests()) < 2:  # one worker may start later
            assert asked < 2000, "one worker did all the work"
            for _ in range(40):
                requests.get(f"{run.url}/news/", timeout=10)
            asked += 40
        seen = requests.get(f"http://{metrics}/metrics", timeout=10)
        assert run.ask("GET", "/metrics") == 404
    assert seen.headers["Content-Type"].startswith("text/plain")
    start = f"{NAMESPACE.replace('-', '_')}_"
    found = dict(line.removeprefix(start).rsplit(" ", 1) for line in seen.text.splitlines() if line[0] != "#")
    counted = {name: float(number) for name, number in found.items()}
    assert counted['requests_total{route="GET /news",status_class="2xx"}'] == asked
    assert counted['request_seconds_count{route="GET /news"}'] == asked
    assert counted["cache_misses_total"] == 1
    assert counted["cache_hits_total"] == asked - 1
    assert counted["breaker_openings_total"] == 0
