"""What the guard around serverless-wsgi costs: the same event, with it and without it, in turns.

    python -m benchmarks.lambda_guard

Prints a row of Markdown; exit code 1 where the guard costs more than 10 %.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import serverless_wsgi
from flask import Flask

from shared.lambda_handler import make_handler

MOST = 1.10
ROUNDS = 60
CALLS_PER_ROUND = 100

EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/news/",
    "rawQueryString": "limit=20&category=world",
    "cookies": ["session=8c1f", "theme=dark"],
    "headers": {
        "accept": "application/json",
        "accept-encoding": "gzip, deflate, br",
        "accept-language": "en-GB,en;q=0.9",
        "content-length": "0",
        "host": "abc123.execute-api.eu-central-1.amazonaws.com",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": "205.255.255.176",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    },
    "queryStringParameters": {"limit": "20", "category": "world"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "abc123",
        "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
        "domainPrefix": "abc123",
        "http": {
            "method": "GET",
            "path": "/news/",
            "protocol": "HTTP/1.1",
            "sourceIp": "205.255.255.176",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "10/Mar/2020:05:16:23 +0000",
        "timeEpoch": 1583817383220,
    },
    "isBase64Encoded": False,
}
CONTEXT = SimpleNamespace(aws_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def toy_app() -> Flask:
    app = Flask("toy", static_folder=None)
    app.get("/news/")(lambda: {"items": [{"id": "1", "title": "A headline"}], "next_cursor": None})
    return app


def microseconds(call: Callable[[], Any]) -> float:
    start = perf_counter()
    for _ in range(CALLS_PER_ROUND):
        call()
    return (perf_counter() - start) / CALLS_PER_ROUND * 1e6


def main() -> None:
    app = toy_app()
    handler = make_handler(app)
    calls = {
        "bare": lambda: serverless_wsgi.handle_request(app, EVENT, CONTEXT),
        "guarded": lambda: handler(EVENT, CONTEXT),
    }
    if any(call()["statusCode"] != 200 for call in calls.values()):
        sys.exit("an answer was not 200: nothing was measured")
    rounds = [{name: microseconds(call) for name, call in calls.items()} for _ in range(ROUNDS)]
    bare, guarded = (median(taken[name] for taken in rounds) for name in calls)
    ratio = median(taken["guarded"] / taken["bare"] for taken in rounds)
    print(
        f"| one call of serverless-wsgi | {bare:.0f} µs bare | {guarded:.0f} µs guarded | ratio {ratio:.2f} |"
    )
    sys.exit(ratio > MOST)


if __name__ == "__main__":
    main()
