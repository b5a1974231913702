"""Bodies of raw HTTP requests: lengths, chunks, trailers and expectations."""

import json

import pytest

from support.fakes import sent
from support.raw_http import (
    CLOSED,
    HOST,
    assert_works,
    connect,
    exchange,
    get,
    is_rejected,
    post,
    read_all,
    statuses,
)


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
