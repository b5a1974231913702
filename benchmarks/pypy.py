"""Measures another Python interpreter: a list of 20 with the same stack, but without msgspec (CPython only).

In an environment of that interpreter, run `pip install flask pynamodb redis serverless-wsgi`, then this file.
"""

import json
import resource
import sys
import time

started = time.process_time()

import flask
import pynamodb.models  # noqa: F401  # the service imports it
import redis  # noqa: F401
import serverless_wsgi

IMPORT_SECONDS = time.process_time() - started
STORED = json.dumps(
    [
        {"id": f"{n}", "title": "T" * 60, "url": f"https://example.com/{n}", "summary": "s" * 200}
        for n in range(20)
    ]
)
HTTP = {"method": "GET", "path": "/news/", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
EVENT = {
    "version": "2.0",
    "rawPath": "/news/",
    "rawQueryString": "",
    "headers": {"host": "example.com"},
    "isBase64Encoded": False,
    "requestContext": {"http": HTTP, "stage": "$default", "domainName": "example.com"},
}

app = flask.Flask(__name__)


@app.get("/news/")
def index():
    return app.response_class(json.dumps({"items": json.loads(STORED)}), mimetype="application/json")


def microseconds(calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        assert serverless_wsgi.handle_request(app, EVENT, {})["statusCode"] == 200
    return (time.process_time() - started) / calls * 1e6


def main() -> None:
    first, next_hundred = microseconds(1), microseconds(100)
    microseconds(20_000)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{sys.implementation.name} {sys.version.split()[0]}: imports {IMPORT_SECONDS * 1000:.0f} ms, "
        f"first request {first:.0f} µs, the next hundred {next_hundred:.0f} µs each, "
        f"after 20,000 {microseconds(5_000):.0f} µs each; {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
