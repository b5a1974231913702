"""Measure the cost of the request log, in a cached GET through the Lambda handler and in a cold start.

A third variant logs the same fields through `logging` and JsonFormatter. Two variants take turns at random,
so that changes in the machine's load affect both equally. A call is measured in elapsed time and includes
Redis; a cold start is measured in processor time. Exits with 1 if the log costs more than 8 % of either.
"""

import contextlib
import json
import logging
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter_ns

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from benchmarks.lambda_adapter import CONTEXT, REQUEST
from shared.lambda_adapter.handler import make_handler
from shared.observability.metrics import emf_directives
from support.cache_harness import make_app
from support.event_builders import http_api_2
from support.fakes import FakeDao, stored
from support.redis_servers import Valkey

MAX_RATIO = 1.08
CALLS = 20_000
STARTS = 120
QUANTILE = 0.05  # a call that nothing else on the machine delays
ROOT = Path(__file__).parent.parent

WITHOUT = """
import sys, types
for name, members in {
    "shared.observability.logs": {"init_logs": lambda *_, **__: None},
    "shared.observability.log_formats": {"json_reporter": lambda _: None, "text_reporter": None},
}.items():
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)
from shared.observability import request_log
request_log.init_request_log = lambda *_: None
"""
START = """
import json, os, sys
from types import SimpleNamespace
from functions.news import handler
response = handler(json.loads(sys.argv[1]), SimpleNamespace(aws_request_id="8c1f"))
os._exit((response["statusCode"], response["headers"]["X-Cache"]) != (200, "HIT"))
"""
STARTS_OF = {
    "without": WITHOUT + START,
    "with": START,
}


def with_json_formatter(inner):
    """Return a WSGI application that logs each request through `logging` and JsonFormatter."""
    logger = logging.getLogger("request")

    def app(environ, start_response):
        response = inner(environ, start_response)
        fields = {"traceparent": "", "method": "GET", "route": "GET /news", "status": 200}
        fields |= {"status_class": "2xx", "cache": "HIT", "duration_ms": 1.234, "cold_start": False}
        fields |= {"dynamodb_calls": 0, "dynamodb_capacity_units": 0.0, "requests": 1, "cache_hits": 1}
        metrics = {"CloudWatchMetrics": emf_directives("dev", ("cache_hits",)), "Timestamp": 0}
        logger.info("request", extra=fields | {"_aws": metrics})
        return response

    return app


def handlers(url):
    dao = FakeDao()
    for number in range(1, 25):
        dao.add(stored(number, category="world"))
    wraps = {
        "without": lambda log: log.app,
        "with": lambda log: log,
        "with JsonFormatter": lambda log: with_json_formatter(log.app),
    }
    result = {}
    for name, wrap in wraps.items():
        app = make_app(dao, url, log_json=True, stage="dev")
        app.wsgi_app = wrap(app.wsgi_app)
        result[name] = make_handler(app)
    return result


def warm(variants, event):
    """Return the microseconds of warm calls of two variants. A third would evict CPU caches."""
    times = {name: [] for name in variants}
    for number in range(CALLS):
        name = random.choice(list(variants))
        before = perf_counter_ns()
        variants[name](event, CONTEXT)
        if number > CALLS / 10:
            times[name].append((perf_counter_ns() - before) / 1000)
    return times


def cold(url, event):
    """Return the CPU milliseconds of processes that start, handle one request and exit, by variant."""
    env = os.environ | {"AWS_REGION": "us-east-1", "NEWS_TABLE": "news", "STAGE": "dev", "REDIS_URL": url}
    env |= {"PYTHONPATH": str(ROOT), "AWS_LAMBDA_FUNCTION_NAME": "news"}
    fill = handlers(url)["without"]
    times = {name: [] for name in STARTS_OF}
    for _ in range(STARTS):
        fill(event, CONTEXT)
        name = random.choice(list(times))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-c", STARTS_OF[name], json.dumps(event)]
        subprocess.run(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times[name].append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    return times


def quantile(times):
    return sorted(times)[int(len(times) * QUANTILE)]


def table(title, unit, times):
    """Print a table, and return the ratio of the second row to the first."""
    first, *others = ((name, quantile(values)) for name, values in times.items())
    rows = "".join(f"| {name} | {time:.1f} | {time / first[1]:.3f} |\n" for name, time in (first, *others))
    print(f"| {title} | {unit} | ratio |\n| --- | ---: | ---: |\n{rows}", file=sys.__stdout__, flush=True)
    return others[0][1] / first[1]


@contextlib.contextmanager
def discarded_logs():
    """Discard everything that is logged. The tables are printed to sys.__stdout__."""
    devnull = Path(os.devnull).open("w")  # noqa: SIM115  # closed by the with statement
    with devnull, contextlib.redirect_stderr(devnull), contextlib.redirect_stdout(devnull):
        yield


def main():
    event = http_api_2(REQUEST)
    ratios = {}
    with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder)) as server, discarded_logs():
        variants = handlers(server.url)
        for name in list(variants)[1:]:
            times = warm({"without": variants["without"], name: variants[name]}, event)
            ratios[name] = table("a cached GET, warm", "µs", times)
        ratios["cold"] = table("a cold start and a cached GET", "ms", cold(server.url, event))
    sys.exit(max(ratios["with"], ratios["cold"]) > MAX_RATIO)


if __name__ == "__main__":
    main()
