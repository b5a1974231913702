"""Requests that no client library makes, byte by byte, to gunicorn: a clear 4xx or a closed connection.

And whatever came, the next request works.
"""

import json

import pytest
import requests
from fakes import sent
from local_run import LocalRun
from raw import CLOSED, HEAD, WAIT_SECONDS, exchange, get, post, statuses


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with LocalRun(tmp_path_factory.mktemp("run")) as started:
        yield started


@pytest.fixture(scope="module")
def bearer(local):
    return f"Authorization: Bearer {local.token()}\r\n".encode()


def is_refusal(received):
    """501 is for a transfer coding that is not known (RFC 9112, section 6.1)."""
    return received == CLOSED or statuses(received)[0] in {*range(400, 500), 501}


def assert_works(local):
    answer = requests.get(f"{local.url}/health", timeout=WAIT_SECONDS)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


REFUSED = {
    "a header too long": get(b"/health", headers=HEAD + b"X-A: " + b"a" * 9000 + b"\r\n"),
    "a header without an end": b"GET /health HTTP/1.1\r\nX-A: " + b"a" * 100_000,
    "too many headers": get(
        b"/health", headers=HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(200))
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
    "a coding that nobody knows": post(b"Transfer-Encoding: zip\r\n", b"{}"),
    "chunks twice": post(b"Transfer-Encoding: chunked, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": b"POST /news/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a NUL in the path": get(b"/news/\x00"),
    "a NUL in a header": get(b"/health", headers=HEAD + b"X-A: a\x00b\r\n"),
    "a NUL in the path, encoded": get(b"/news/%00"),
    "a line break in the path, encoded": get(b"/news/%0d%0aSet-Cookie:%20a=1"),
    "dots": get(b"/news/../../../../etc/passwd"),
    "dots, encoded": get(b"/news/%2e%2e/%2e%2e/etc/passwd"),
    "dots with backslashes": get(b"\\..\\..\\etc\\passwd"),
    "overlong UTF-8": get(b"/news/%c0%af%c0%ae"),
    "overlong UTF-8, raw": get(b"/news/\xc0\xaf"),
    "half a surrogate pair": get(b"/news/%ed%a0%80"),
    "UTF-8 cut short": get(b"/news/%e2%82"),
    "a header without a colon": get(b"/health", headers=HEAD + b"nonsense\r\n"),
    "a blank before the colon": get(b"/health", headers=HEAD + b"Content-Length : 0\r\n"),
    "a folded header": get(b"/health", headers=HEAD + b"X-A: a\r\n b\r\n"),
    "a header without a name": get(b"/health", headers=HEAD + b": a\r\n"),
    "a carriage return in a header": get(b"/health", headers=HEAD + b"X-A: a\rX-B: b\r\n"),
    "no version": b"GET /health\r\n\r\n",
    "a version to come": get(b"/health", b"HTTP/3.0"),
    "HTTP/2's beginning": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method that is none": b"G@T /health HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a method that nobody knows": b"BREW /news/ HTTP/1.1\r\n" + HEAD + b"\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 160,
    "nothing": b"",
    "line breaks only": b"\r\n" * 50,
    "noise": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED)
def test_what_is_no_good_request_gets_a_4xx_or_no_answer_and_the_next_one_works(local, request_bytes):
    received = exchange(local.bind, request_bytes)
    assert is_refusal(received)
    assert len(statuses(received)) <= 1
    assert b"Set-Cookie" not in received.partition(b"\r\n\r\n")[0]
    assert b"Traceback" not in received
    assert_works(local)


def test_a_body_that_ends_too_early_changes_nothing(local, bearer):
    body = json.dumps(sent("early")).encode()
    received = exchange(local.bind, post(bearer + b"Content-Length: 4000\r\n", body))
    assert received == CLOSED or statuses(received) == [400]
    assert_works(local)
    again = exchange(local.bind, post(bearer + b"Content-Length: %d\r\n" % len(body), body))
    assert statuses(again) == [201]


def test_a_body_longer_than_it_says_is_cut_and_the_rest_is_no_request(local, bearer):
    hidden = b"DELETE /news/x HTTP/1.1\r\n" + HEAD + bearer + b"\r\n"
    received = exchange(local.bind, post(bearer + b"Content-Length: 2\r\n", b"{}" + hidden))
    assert statuses(received)[0] == 400
    assert_works(local)


@pytest.mark.parametrize("trailers", [b"", b"X-A: 1\r\n"])
def test_a_body_in_chunks_is_taken_with_trailers_or_without(local, bearer, trailers):
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
def test_broken_chunks_change_nothing_and_the_next_request_works(local, bearer, chunks):
    received = exchange(local.bind, post(bearer + b"Transfer-Encoding: chunked\r\n", chunks))
    assert is_refusal(received)
    assert_works(local)


def test_pipelined_requests_get_answers_in_order(local):
    received = exchange(local.bind, get(b"/health") + get(b"/nix") + get(b"/health"))
    assert statuses(received) == [200, 404, 200]
    assert_works(local)


@pytest.mark.parametrize("headers", [b"", HEAD])
def test_http_1_0_is_answered(local, headers):
    received = exchange(local.bind, get(b"/health", b"HTTP/1.0", headers))
    assert statuses(received) == [200]
    assert received.endswith(b'{"status":"ok"}')


def test_the_absolute_form_and_the_asterisk_are_answered(local):
    assert statuses(exchange(local.bind, get(b"http://example.com/health"))) == [200]
    assert statuses(exchange(local.bind, b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n"))[0] < 500
    assert_works(local)
