"""Malformed requests, sent as raw bytes to gunicorn: each gets a 4xx or a closed connection.

The next request succeeds in every case.
"""

import contextlib
import json
import re
from uuid import UUID

import pytest
import requests

from support.fakes import sent
from support.gunicorn_server import GunicornServer
from support.local_run import LocalRun
from support.log_lines import parse_log, parse_request_log
from support.raw_http import CLOSED, HOST, WAIT_SECONDS, connect, exchange, get, post, read_all, statuses


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with LocalRun(tmp_path_factory.mktemp("run")) as started:
        yield started


@pytest.fixture(scope="module")
def bearer(local):
    return f"Authorization: Bearer {local.token()}\r\n".encode()


def is_rejected(received):
    """Return True for no response, 4xx, or 501 for an unknown transfer coding (RFC 9112, section 6.1)."""
    return received == CLOSED or statuses(received)[0] in {*range(400, 500), 501}


def assert_works(local):
    response = requests.get(f"{local.url}/health", timeout=WAIT_SECONDS)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


MALFORMED = {
    "a header too long": get(b"/health", headers=HOST + b"X-A: " + b"a" * 9000 + b"\r\n"),
    "a header without an end": b"GET /health HTTP/1.1\r\nX-A: " + b"a" * 100_000,
    "too many headers": get(
        b"/health", headers=HOST + b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    ),
    "a line too long": get(b"/" + b"a" * 9000),
    "a line without an end": b"GET /" + b"a" * 100_000,
    "a length that is no number": post(b"Content-Length: five\r\n", b"{}"),
    "a length below zero": post(b"Content-Length: -1\r\n", b"{}"),
    "a length with a sign": post(b"Content-Length: +2\r\n", b"{}"),
    "a length with a digit that is not ASCII": post("Content-Length: ٢\r\n".encode(), b"{}"),
    "two lengths": post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{} "),
    "two lengths in one": post(b"Content-Length: 2, 3\r\n", b"{} "),
    "a length and chunks": post(
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET /health HTTP/1.1\r\n\r\n"
    ),
    "a length of 4,301 digits": post(b"Content-Length: " + b"0" * 4301 + b"\r\n", b"{}"),
    "a length of 4,301 nines": post(b"Content-Length: " + b"9" * 4301 + b"\r\n", b"{}"),
    "a length over the limit": post(b"Content-Length: 10000000000\r\n", b"{}"),
    "an unknown transfer coding": post(b"Transfer-Encoding: zip\r\n", b"{}"),
    "gzip, then chunks": post(b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "identity, then chunks": post(b"Transfer-Encoding: identity, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "an empty Host": get(b"/health", headers=b"Host: \r\n"),
    "two Hosts": get(b"/health", headers=HOST * 2),
    "blanks in Host": get(b"/health", headers=b"Host: a b/c?d\r\n"),
    "a URL as Host": get(b"/health", headers=b"Host: http://a\r\n"),
    "a user in Host": get(b"/health", headers=b"Host: user@a\r\n"),
    "a list as Host": get(b"/health", headers=b"Host: a, b\r\n"),
    "a port that is no number": get(b"/health", headers=b"Host: a:http\r\n"),
    "a port too high": get(b"/health", headers=b"Host: a:65536\r\n"),
    "an IPv6 address without brackets": get(b"/health", headers=b"Host: ::1\r\n"),
    "brackets around no address": get(b"/health", headers=b"Host: [::g]\r\n"),
    "a Host with no HTTP/1.1": get(b"/health", b"HTTP/1.0", b"Host: a b\r\n"),
    "a compressed body": post(b"Content-Encoding: gzip\r\nContent-Length: 2\r\n", b"{}"),
    "chunks twice": post(b"Transfer-Encoding: chunked, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": b"POST /news/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a NUL in the path": get(b"/news/\x00"),
    "a NUL in a header": get(b"/health", headers=HOST + b"X-A: a\x00b\r\n"),
    "a NUL in the path, encoded": get(b"/news/%00"),
    "a line break in the path, encoded": get(b"/news/%0d%0aSet-Cookie:%20a=1"),
    "dots": get(b"/news/../../../../etc/passwd"),
    "dots, encoded": get(b"/news/%2e%2e/%2e%2e/etc/passwd"),
    "dots with backslashes": get(b"\\..\\..\\etc\\passwd"),
    "overlong UTF-8": get(b"/news/%c0%af%c0%ae"),
    "overlong UTF-8, raw": get(b"/news/\xc0\xaf"),
    "half a surrogate pair": get(b"/news/%ed%a0%80"),
    "UTF-8 cut short": get(b"/news/%e2%82"),
    "a header without a colon": get(b"/health", headers=HOST + b"nonsense\r\n"),
    "a blank before the colon": get(b"/health", headers=HOST + b"Content-Length : 0\r\n"),
    "a folded header": get(b"/health", headers=HOST + b"X-A: a\r\n b\r\n"),
    "a header without a name": get(b"/health", headers=HOST + b": a\r\n"),
    "a carriage return in a header": get(b"/health", headers=HOST + b"X-A: a\rX-B: b\r\n"),
    "no version": b"GET /health\r\n\r\n",
    "a future version": get(b"/health", b"HTTP/3.0"),
    "HTTP/2's beginning": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an invalid method": b"G@T /health HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": b"BREW /news/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 160,
    "nothing": b"",
    "line breaks only": b"\r\n" * 50,
    "noise": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_gets_a_4xx_or_no_response_and_the_next_one_succeeds(local, request_bytes):
    received = exchange(local.bind, request_bytes)
    assert is_rejected(received)
    assert len(statuses(received)) <= 1
    assert b"Set-Cookie" not in received.partition(b"\r\n\r\n")[0]
    assert b"Traceback" not in received
    assert_works(local)


def test_an_incomplete_body_creates_nothing(local, bearer):
    body = json.dumps(sent("early")).encode()
    received = exchange(local.bind, post(bearer + b"Content-Length: 4000\r\n", body))
    assert received == CLOSED or statuses(received) == [400]
    assert_works(local)
    again = exchange(local.bind, post(bearer + b"Content-Length: %d\r\n" % len(body), body))
    assert statuses(again) == [201]


def test_data_after_the_content_length_is_not_served_as_a_request(local, bearer):
    hidden = b"DELETE /news/x HTTP/1.1\r\n" + HOST + bearer + b"\r\n"
    received = exchange(local.bind, post(bearer + b"Content-Length: 2\r\n", b"{}" + hidden))
    assert statuses(received)[0] == 400
    assert_works(local)


@pytest.mark.parametrize("trailers", [b"", b"X-A: 1\r\n"])
def test_a_chunked_body_is_accepted_with_and_without_trailers(local, bearer, trailers):
    body = json.dumps(sent(f"chunks{len(trailers)}")).encode()
    chunks = b"%x;note=1\r\n%b\r\n" % (9, body[:9]) + b"%X\r\n%b\r\n" % (len(body) - 9, body[9:])
    received = exchange(
        local.bind, post(bearer + b"Transfer-Encoding: chunked\r\n", chunks + b"0\r\n" + trailers + b"\r\n")
    )
    assert statuses(received) == [201]
    assert_works(local)


@pytest.mark.parametrize(
    "chunks",
    [
        b"x\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}",
        b"2\r\n{}\r\n0\r\nContent-Length: 7\r\nAuthorization: Bearer x\r\n\r\n",
        b"5\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}X0\r\n\r\n",
        b"f" * 40 + b"\r\n{}",
        b"1" * 100_000,
    ],
)
def test_malformed_chunks_create_nothing_and_the_next_request_succeeds(local, bearer, chunks):
    received = exchange(local.bind, post(bearer + b"Transfer-Encoding: chunked\r\n", chunks))
    assert is_rejected(received)
    assert_works(local)


@pytest.mark.parametrize(
    "trailer",
    [b" X: y\r\n", b"X: \x00\r\n", b"X\r\n", b"Host : q\r\n", b"Trailer: a\r\n", b"Content-Length: 3\r\n"],
)
@pytest.mark.parametrize("method", [b"GET /health", b"POST /news/"])
def test_a_malformed_trailer_gets_one_response_and_ends_the_connection(local, method, trailer):
    head = method + b" HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    body = b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n"
    assert statuses(exchange(local.bind, head + body + get(b"/health"))) == [400]
    assert_works(local)


def test_expect_100_continue_is_sent_once_and_never_for_http_1_0(local):
    expecting = b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n"
    with connect(local.bind) as connection:
        connection.sendall(post(expecting, b""))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert statuses(read_all(connection)) == [401]
    old = post(expecting, b"{}").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert statuses(exchange(local.bind, old)) == [401]
    twice = post(b"Expect: 100-continue\r\n" + expecting, b"{}")
    assert statuses(exchange(local.bind, twice))[-1] == 401


@pytest.mark.parametrize(
    "host",
    [b"a", b"a.example:8000", b"a:", b"127.0.0.1", b"[::1]", b"[::1]:8000", b"my_service", b"A.example."],
)
def test_a_valid_host_is_accepted(local, host):
    received = exchange(local.bind, get(b"/health", headers=b"Host: " + host + b"\r\n"))
    assert statuses(received) == [200]


def test_content_encoding_identity_is_accepted(local):
    received = exchange(local.bind, post(b"Content-Encoding: identity\r\nContent-Length: 2\r\n", b"{}"))
    assert statuses(received) == [401]


def test_a_compressed_body_gets_415_with_accept_encoding(local):
    received = exchange(local.bind, post(b"Content-Encoding: br\r\nContent-Length: 2\r\n", b"{}"))
    assert statuses(received) == [415]
    assert b"Accept-Encoding: identity\r\n" in received


def test_a_transfer_coding_other_than_chunked_gets_501(local):
    body = b"2\r\n{}\r\n0\r\n\r\n"
    received = exchange(local.bind, post(b"Transfer-Encoding: gzip, chunked\r\n", body))
    assert statuses(received) == [501]


@pytest.mark.parametrize("options", [b"close", b"TE, close", b"Close", b"keep-alive,close", b"close, TE"])
def test_close_in_a_list_of_connection_options_closes_the_connection(local, options):
    with connect(local.bind) as connection:
        connection.sendall(get(b"/health", headers=HOST + b"Connection: " + options + b"\r\n"))
        received = read_all(connection)
    assert (statuses(received), b"Connection: close" in received) == ([200], True)


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.2", b"HTTP/1.9"])
def test_a_response_has_the_http_version_of_the_server(local, version):
    assert exchange(local.bind, get(b"/health", version)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "headers",
    [b"SCRIPT_NAME: /x1\r\n", b"Script-Name: /x1\r\n", b"PATH_INFO: /nix\r\n", b"script_name: /\r\n"],
)
def test_client_headers_cannot_change_where_the_app_is_mounted(local, headers):
    response = exchange(local.bind, get(b"/news/?limit=1", headers=HOST + headers))
    assert statuses(response) == [200]
    assert b"\r\nLink: </news/?" in response
    assert statuses(exchange(local.bind, get(b"/x1/news/", headers=HOST + headers))) == [404]


SECRET = b"s3cr3t"
REJECTED_WITH_SECRET = {
    "in the line": (
        400,
        b"GET /news/?token=" + SECRET + "Ⅷ".encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    ),
    "in a long line": (414, get(b"/news/?cursor=" + SECRET * 1500)),
    "in the method": (400, SECRET + b" /health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "in the version": (400, b"GET /health " + SECRET + b"\r\n" + HOST + b"\r\n"),
    "in a header's name": (400, get(b"/health", headers=HOST + b"X " + SECRET + b": a\r\n")),
    "in a header's value": (
        400,
        get(b"/health", headers=HOST + b"Authorization: " + SECRET + b"\x00\r\n"),
    ),
    "in a long header": (
        431,
        get(b"/health", headers=HOST + b"Authorization: " + SECRET * 1500 + b"\r\n"),
    ),
    "in the expectation": (417, get(b"/health", headers=HOST + b"Expect: " + SECRET + b"\r\n")),
    "in the coding": (501, post(b"Transfer-Encoding: " + SECRET + b"\r\n", b"{}")),
    "in a chunk": (400, post(b"Transfer-Encoding: chunked\r\n", SECRET + b"\r\n{}\r\n0\r\n\r\n")),
    "in a long body": (413, post(b"Content-Length: 70000\r\n", SECRET * 12_000)),
    "in a short body": (400, post(b"Content-Length: 70\r\n", SECRET)),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with GunicornServer(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.mark.parametrize("where", REJECTED_WITH_SECRET)
def test_a_rejected_request_is_a_problem_and_counted_and_its_data_is_not_logged(server, where):
    status, request_bytes = REJECTED_WITH_SECRET[where]
    before = len(server.log.read_text())
    received = exchange(server.bind, request_bytes)
    assert statuses(received) == [status]
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(re.findall(rb"^([\w-]+): (.*?)\r?$", head, re.MULTILINE))
    assert fields[b"Content-Type"] == b"application/problem+json"
    assert (fields[b"Cache-Control"], fields[b"X-Content-Type-Options"]) == (b"no-store", b"nosniff")
    assert fields[b"Connection"] == b"close"
    problem = json.loads(body)
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    log_text = server.log.read_text()[before:]
    assert len(parse_log(log_text)) == len(log_text.splitlines())
    [line] = parse_request_log(log_text)
    assert (line["status"], line["route"], line["requests"]) == (status, "none", 1)
    assert UUID(problem["request_id"])
    assert {record["request_id"] for record in parse_log(log_text)} == {problem["request_id"]}
    assert SECRET not in received + log_text.encode()


def test_malformed_requests_do_not_end_the_worker(server):
    assert_works(server)
    worker = server.workers()
    for request_bytes in MALFORMED.values():
        with contextlib.suppress(OSError):
            exchange(server.bind, request_bytes)
    assert_works(server)
    assert server.workers() == worker


def test_pipelined_requests_get_responses_in_order(local):
    received = exchange(local.bind, get(b"/health") + get(b"/nix") + get(b"/health"))
    assert statuses(received) == [200, 404, 200]
    assert_works(local)


@pytest.mark.parametrize("headers", [b"", HOST])
def test_http_1_0_is_supported(local, headers):
    received = exchange(local.bind, get(b"/health", b"HTTP/1.0", headers))
    assert statuses(received) == [200]
    assert received.endswith(b'{"status":"ok"}')


def test_the_absolute_and_asterisk_forms_are_supported(local):
    assert statuses(exchange(local.bind, get(b"http://example.com/health"))) == [200]
    assert statuses(exchange(local.bind, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"))[0] < 500
    assert_works(local)
