"""Overhead of the adapter around serverless-wsgi: the same event with and without it, interleaved.

Prints a Markdown row per event type. Exit code 1 if the adapter adds more than 10 %.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import serverless_wsgi
from flask import Flask

from shared.lambda_adapter.handler import make_handler
from tests.support.event_builders import ENCODERS, Request

MAX_RATIO = 1.10
ROUNDS = 60
CALLS_PER_ROUND = 50

REQUEST = Request(
    path="/news/",
    query="limit=20&category=world",
    headers=(
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Accept-Language", "en-GB,en;q=0.9"),
        ("Cookie", "session=8c1f"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0"),
        ("X-Amzn-Trace-Id", "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"),
    ),
)
CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def sample_app() -> Flask:
    app = Flask("sample", static_folder=None)
    app.get("/news/")(lambda: {"items": [{"id": "1", "title": "A headline"}], "next_cursor": None})
    return app


def microseconds(call: Callable[[], Any]) -> float:
    start = perf_counter()
    for _ in range(CALLS_PER_ROUND):
        call()
    return (perf_counter() - start) / CALLS_PER_ROUND * 1e6


def measure(app: Flask, event: dict[str, Any]) -> tuple[float, float, float]:
    """Return the median microseconds of a call without and with the adapter, and the median ratio."""
    handler = make_handler(app)
    calls = (lambda: serverless_wsgi.handle_request(app, event, CONTEXT), lambda: handler(event, CONTEXT))
    if any(call()["statusCode"] != 200 for call in calls):
        sys.exit("bench: the response is not 200: nothing was measured")
    rounds = [tuple(microseconds(call) for call in calls) for _ in range(ROUNDS)]
    ratio = median(adapted / bare for bare, adapted in rounds)
    return (*(median(times) for times in zip(*rounds, strict=True)), ratio)


def main() -> None:
    app = sample_app()
    worst = 0.0
    print("| event | serverless-wsgi, µs | with the adapter, µs | ratio |\n| --- | --- | --- | --- |")
    for name, encode in ENCODERS.items():
        bare, adapted, ratio = measure(app, encode(REQUEST))
        worst = max(worst, ratio)
        print(f"| {name} | {bare:.0f} | {adapted:.0f} | {ratio:.2f} |", flush=True)
    sys.exit(worst > MAX_RATIO)


if __name__ == "__main__":
    main()
