"""Malformed requests, sent as raw bytes to gunicorn: each gets a 4xx or a closed connection.

The next request succeeds in every case.
"""

import contextlib
import json
import re
from uuid import UUID

import pytest

from support.log_lines import parse_log, parse_request_log
from support.malformed_requests import MALFORMED, REJECTED_WITH_SECRET, SECRET
from support.raw_http import HOST, assert_works, connect, exchange, get, is_rejected, read_all, statuses


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_gets_a_4xx_or_no_response_and_the_next_one_succeeds(local, request_bytes):
    received = exchange(local.bind, request_bytes)
    assert is_rejected(received)
    assert len(statuses(received)) <= 1
    assert b"Set-Cookie" not in received.partition(b"\r\n\r\n")[0]
    assert b"Traceback" not in received
    assert_works(local)


@pytest.mark.parametrize(
    "host",
    [b"a", b"a.example:8000", b"a:", b"127.0.0.1", b"[::1]", b"[::1]:8000", b"my_service", b"A.example."],
)
def test_a_valid_host_is_accepted(local, host):
    received = exchange(local.bind, get(b"/health", headers=b"Host: " + host + b"\r\n"))
    assert statuses(received) == [200]


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


@pytest.mark.parametrize("where", REJECTED_WITH_SECRET)
def test_a_rejected_request_is_a_problem_and_counted_and_its_data_is_not_logged(gunicorn_server, where):
    status, request_bytes = REJECTED_WITH_SECRET[where]
    before = len(gunicorn_server.log.read_text())
    received = exchange(gunicorn_server.bind, request_bytes)
    assert statuses(received) == [status]
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(re.findall(rb"^([\w-]+): (.*?)\r?$", head, re.MULTILINE))
    assert fields[b"Content-Type"] == b"application/problem+json"
    assert (fields[b"Cache-Control"], fields[b"X-Content-Type-Options"]) == (b"no-store", b"nosniff")
    assert fields[b"Connection"] == b"close"
    problem = json.loads(body)
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    log_text = gunicorn_server.log.read_text()[before:]
    assert len(parse_log(log_text)) == len(log_text.splitlines())
    [line] = parse_request_log(log_text)
    assert (line["status"], line["route"], line["requests"]) == (status, "none", 1)
    assert UUID(problem["request_id"])
    assert {record["request_id"] for record in parse_log(log_text)} == {problem["request_id"]}
    assert SECRET not in received + log_text.encode()


def test_malformed_requests_do_not_end_the_worker(gunicorn_server):
    assert_works(gunicorn_server)
    worker = gunicorn_server.workers()
    for request_bytes in MALFORMED.values():
        with contextlib.suppress(OSError):
            exchange(gunicorn_server.bind, request_bytes)
    assert_works(gunicorn_server)
    assert gunicorn_server.workers() == worker


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
