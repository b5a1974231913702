"""Generated raw requests, sent to gunicorn: no server error, and no worker ends.

Bytes that are left over after a request are the next request, and are rejected.

FUZZ_CASES is the number of requests; `make fuzz` sets it.
"""

import os
import random

import requests

from support.raw_http import WAIT_SECONDS, exchange, statuses

CASES = int(os.environ.get("FUZZ_CASES", "300"))
SEED = int(os.environ.get("FUZZ_SEED", "7"))
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"get", b"A" * 40, b"")
TARGETS = (b"/health", b"/news/", b"//health", b"/%00", b"*", b"http://x/health", b"/" + b"a" * 9000, b"")
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"")
HEADERS = (
    *(b"Host: " + host for host in (b"127.0.0.1", b"", b"a b", b"x:99999", b"[::1]:80", b"/")),
    *(b"Content-Length: " + length for length in (b"0", b"2", b"-1", b"+2", b"2, 2", b"9" * 4301, b"70000")),
    *(b"Transfer-Encoding: " + coding for coding in (b"chunked", b"gzip", b"gzip, chunked", b"xchunked")),
    *(b"Content-Encoding: " + coding for coding in (b"gzip", b"identity", b"")),
    *(b"Expect: " + value for value in (b"100-continue", b"200-ok")),
    *(b"Connection: " + value for value in (b"close", b"TE, close", b"keep-alive")),
    *(
        b"SCRIPT_NAME: /x",
        b"PATH_INFO: /x",
        b"X A: 1",
        b": 1",
        b"X-A",
        b" X-A: 1",
        b"X-A: \x00",
        b"X-A: \xff",
    ),
    b"Content-Type: application/json",
)
BODIES = (
    *(
        b"",
        b"{}",
        b"a" * 70_000,
        b"2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nbad trailer\r\n\r\n",
        b"FFFFFFFFF\r\n",
    ),
    *(b"-1\r\n{}\r\n0\r\n\r\n", b"1\r\na" * 500),
)


def generate(source):
    """Return a request without a second one behind it."""
    headers = source.choices(HEADERS, k=source.randrange(5))
    if source.random() < 0.8:
        headers.insert(0, HEADERS[0])
    start = b" ".join((source.choice(METHODS), source.choice(TARGETS), source.choice(VERSIONS)))
    return b"\r\n".join((start, *headers, b"", source.choice(BODIES)))


def test_generated_requests_cause_no_server_error_and_end_no_worker(gunicorn_server):
    workers = gunicorn_server.workers()
    source = random.Random(SEED)
    for _ in range(CASES):
        request = generate(source)
        final = [status for status in statuses(exchange(gunicorn_server.bind, request)) if status >= 200]
        assert len(final) <= 2, (request, final)
        assert all(status >= 400 for status in final[1:]), (request, final)
        assert all(status < 500 or status in {501, 503, 505} for status in final), (request, final)
    assert requests.get(f"{gunicorn_server.url}/health", timeout=WAIT_SECONDS).status_code == 200
    assert gunicorn_server.workers() == workers
