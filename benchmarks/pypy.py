"""What another interpreter would gain: the stack without msgspec, which is for CPython, on a list of 20.

In an environment of that interpreter: `pip install flask pynamodb redis serverless-wsgi`, then run this file.
"""

import json
import resource
import sys
import time

began = time.process_time()

import flask
import pynamodb.models  # noqa: F401  # imported, as they would be
import redis  # noqa: F401
import serverless_wsgi

IMPORTED = time.process_time() - began
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
        f"{sys.implementation.name} {sys.version.split()[0]}: imports {IMPORTED * 1000:.0f} ms, "
        f"first request {first:.0f} µs, the next hundred {next_hundred:.0f} µs each, "
        f"after 20,000 {microseconds(5_000):.0f} µs each; {memory:.0f} MB"
    )


if __name__ == "__main__":
    main()
