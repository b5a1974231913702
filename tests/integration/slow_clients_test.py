"""Slow clients do not block other clients, and the time of their requests is limited."""

import contextlib
import re
import socket
import time
from pathlib import Path

import pytest
import requests

from support.gunicorn_server import GunicornServer
from support.raw_http import CLOSED, HOST, WAIT_SECONDS, connect, get, post, read_all, statuses

FEW, MANY = 40, 300

UNFINISHED = {
    "nothing": b"",
    "a line break": b"\r\n",
    "half a line": b"GET /hea",
    "half a head": b"POST /news/ HTTP/1.1\r\n" + HOST,
    "no body": post(b"Content-Length: 100\r\n", b""),
    "half a body": post(b"Content-Length: 100\r\n", b'{"title": '),
    "no chunk": post(b"Transfer-Encoding: chunked\r\n", b""),
    "half a chunk": post(b"Transfer-Encoding: chunked\r\n", b"500\r\n{"),
    "half a trailer": post(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\nX-A: "),
    "half a second request": get(b"/health") + b"GET /hea",
    "a body that is too large": post(b"Content-Length: 1000000\r\n", b"{"),
}
BODIES = ("no body", "half a body", "no chunk", "half a chunk", "half a trailer")
LARGE = get(b"/docs/swagger-ui-bundle.js")
"""A response of 1.5 MB."""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    with GunicornServer(tmp_path_factory.mktemp("impatient"), measured=True, TIMEOUT="2") as started:
        yield started


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    with GunicornServer(tmp_path_factory.mktemp("patient"), TIMEOUT="600") as started:
        yield started


def connect_slow_reader(bind):
    """Return a connection with a receive buffer of a few thousand bytes."""
    host, _, port = bind.partition(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460
    )  # as on a network; the loopback interface has a larger one
    connection.settimeout(WAIT_SECONDS)
    connection.connect((host, int(port)))
    return connection


def assert_works(server):
    for path, status in (("/health", 200), ("/nix", 404)):
        assert requests.get(f"{server.url}{path}", timeout=WAIT_SECONDS).status_code == status


@contextlib.contextmanager
def clients(bind, *begun):
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connect(bind)) for _ in begun]
        for connection, data in zip(opened, begun, strict=True):
            connection.sendall(data)
        yield opened


def resident_megabytes(server):
    """Return the resident memory of the only worker."""
    [worker] = server.workers()
    status = Path(f"/proc/{worker}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@pytest.mark.parametrize("unfinished", UNFINISHED)
def test_clients_that_do_not_finish_their_request_do_not_block_others(patient, unfinished):
    with clients(patient.bind, *[UNFINISHED[unfinished]] * FEW):
        assert_works(patient)


def test_hundreds_of_clients_that_stall_in_the_body_do_not_block_others(patient):
    with clients(patient.bind, *[UNFINISHED["half a chunk"]] * MANY):
        assert_works(patient)


def test_hundreds_of_clients_that_do_not_read_do_not_block_others(patient):
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(connect_slow_reader(patient.bind)).sendall(LARGE)
        assert_works(patient)


def test_a_client_that_pipelines_and_does_not_read_does_not_block_others(patient):
    with connect_slow_reader(patient.bind) as greedy:
        greedy.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            greedy.sendall(get(b"/health") * 20_000)
        assert_works(patient)


def test_a_body_that_is_not_received_in_time_gets_408(impatient):
    with clients(impatient.bind, *map(UNFINISHED.get, BODIES)) as opened:
        received = dict(zip(BODIES, map(read_all, opened), strict=True))
    assert {name: statuses(each) for name, each in received.items()} == {name: [408] for name in BODIES}
    head, _, body = received["no body"].partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert b"Connection: close" in head
    assert b'"status":408' in body
    assert_works(impatient)


def test_a_client_that_sends_single_bytes_gets_no_more_time(impatient):
    with connect(impatient.bind) as dripping:
        dripping.sendall(post(b"Content-Length: 1000\r\n", b""))
        dripping.settimeout(0.1)
        received = b""
        for _ in range(10 * WAIT_SECONDS):
            try:
                received = dripping.recv(65536)
                break
            except TimeoutError:
                dripping.sendall(b" ")
    assert statuses(received) == [408]


def test_the_connection_of_a_client_that_does_not_read_is_closed_after_the_timeout(impatient):
    with connect_slow_reader(impatient.bind) as stalled:
        stalled.sendall(LARGE)
        assert_log_has(impatient, "took longer than 2 s", WAIT_SECONDS)
        assert len(read_all(stalled)) < 1_400_000


def assert_log_has(server, text, seconds):
    for _ in range(seconds * 20):
        if any(text in line for line in server.other_log_lines()):
            return
        time.sleep(0.05)
    raise AssertionError(server.log.read_text())


def test_a_worker_without_free_connections_closes_idle_ones(tmp_path):
    with (
        GunicornServer(tmp_path, "--worker-connections", str(FEW), TIMEOUT="600") as crowded,
        clients(crowded.bind, *[UNFINISHED["half a head"]] * FEW) as opened,
    ):
        assert_works(crowded)
        assert read_all(opened[0]) == CLOSED


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read in /proc")
@pytest.mark.parametrize(
    ("unfinished", "megabytes"),
    [
        (post(b"Content-Length: 65000\r\n", b"a" * 64_000), 200),
        (post(b"Transfer-Encoding: chunked\r\n", b"3fff0\r\n" + b"a" * 261_000), 400),
        (LARGE, 200),
    ],
    ids=["bodies", "chunks", "responses"],
)
def test_memory_is_bounded_under_hundreds_of_unfinished_requests(tmp_path, unfinished, megabytes):
    with GunicornServer(tmp_path, TIMEOUT="600") as server, contextlib.ExitStack() as stack:
        requests.get(f"{server.url}/docs/swagger-ui-bundle.js", timeout=WAIT_SECONDS)
        before = resident_megabytes(server)
        for _ in range(780):
            connection = stack.enter_context(connect_slow_reader(server.bind))
            with contextlib.suppress(ConnectionError):
                connection.sendall(unfinished)
        assert_works(server)
        assert resident_megabytes(server) - before < megabytes


def test_one_byte_chunks_take_linear_time_and_do_not_block_others(patient):
    body = b"1\r\na\r\n" * 60_000 + b"0\r\n\r\n"
    with clients(patient.bind, *[post(b"Transfer-Encoding: chunked\r\n", body)] * 4) as opened:
        assert_works(patient)
        for connection in opened:
            assert statuses(connection.recv(65536)) == [403]


def test_the_worker_survives_a_lack_of_file_descriptors(tmp_path):
    with GunicornServer(tmp_path, TIMEOUT="600", limit_files=64) as server:
        assert_works(server)
        worker = server.workers()
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(connect(server.bind))
            assert_log_has(server, "Too many open files", WAIT_SECONDS)
        assert all(line.startswith("{") for line in server.other_log_lines())
        assert_works(server)
        assert server.workers() == worker
