"""Clients that are slow to send, to read and to hang up: they are given up, and nobody waits for them."""

import contextlib
import socket
import sys
import time

import pytest
import requests
from conftest import ROOT
from raw import CLOSED, HEAD, WAIT_SECONDS, connect, get, post, rest, statuses
from served import Served

from tools.processes import Processes, free_port, wait_for_port

MANY = 40
"""Clients, five times as many as threads."""

BEGUN = {
    "nothing": b"",
    "a line break": b"\r\n",
    "half a line": b"GET /hea",
    "half a head": b"POST /news/ HTTP/1.1\r\n" + HEAD,
    "no body": post(b"Content-Length: 100\r\n", b""),
    "half a body": post(b"Content-Length: 100\r\n", b'{"title": '),
    "no chunk": post(b"Transfer-Encoding: chunked\r\n", b""),
    "half a chunk": post(b"Transfer-Encoding: chunked\r\n", b"500\r\n{"),
    "half a trailer": post(b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\nX-A: "),
    "half a second request": get(b"/health") + b"GET /hea",
}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("impatient"), TIMEOUT="2") as started:
        yield started


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("patient"), TIMEOUT="600") as started:
        yield started


def connect_slow_reader(bind):
    """A connection that takes a few thousand bytes, and then none until they are read."""
    host, _, port = bind.partition(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)  # a network's, not the loopback's
    connection.connect((host, int(port)))
    return connection


def assert_works(served):
    for path, status in (("/health", 200), ("/nix", 404)):
        assert requests.get(f"{served.url}{path}", timeout=WAIT_SECONDS).status_code == status


@contextlib.contextmanager
def clients(bind, *begun):
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connect(bind)) for _ in begun]
        for connection, data in zip(opened, begun, strict=True):
            connection.sendall(data)
        yield opened


def is_open(connection):
    """Whether nothing has come from the other side, and it hasn't hung up either."""
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False


def test_a_request_that_never_ends_gets_a_408(impatient):
    with clients(impatient.bind, *BEGUN.values()) as opened:
        got = dict(zip(BEGUN, map(rest, opened), strict=True))
    assert got.pop("nothing") == CLOSED
    assert statuses(got.pop("half a second request")) == [200, 408]
    assert {name: statuses(received) for name, received in got.items()} == {name: [408] for name in got}
    head, _, body = got["no body"].partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert b"Connection: close" in head
    assert b'"status":408' in body
    assert_works(impatient)


def test_a_client_that_sends_a_byte_now_and_then_gets_no_more_time(impatient):
    names = ["half a line", "half a head", "half a body", "half a chunk", "half a trailer"]
    got = {}
    with clients(impatient.bind, *map(BEGUN.get, names)) as opened:
        for _ in range(10 * WAIT_SECONDS):
            for name, connection in zip(names, opened, strict=True):
                if name not in got and is_open(connection):
                    with contextlib.suppress(OSError):  # it may be given up just now
                        connection.sendall(b"a")
                elif name not in got:
                    connection.settimeout(WAIT_SECONDS)
                    got[name] = statuses(rest(connection))
            if len(got) == len(names):
                break
            time.sleep(0.1)
    assert got == {name: [408] for name in names}
    assert_works(impatient)


@pytest.mark.parametrize("begun", BEGUN)
def test_others_are_served_while_many_clients_do_not_go_on(patient, begun):
    with clients(patient.bind, *[BEGUN[begun]] * MANY) as opened:
        assert_works(patient)
        if begun != "half a second request":
            assert all(map(is_open, opened))


def test_others_are_served_while_many_clients_stall_behind_a_refused_body(patient):
    refused = post(b"Content-Length: 1000000\r\n", b"{")
    with clients(patient.bind, *[refused] * MANY):
        assert_works(patient)


def test_others_are_served_while_many_clients_do_not_hang_up(patient):
    with clients(patient.bind, *[get(b"/health", b"HTTP/1.0")] * MANY) as opened:
        assert_works(patient)
        assert all(statuses(rest(connection)) == [200] for connection in opened)


def test_others_are_served_while_many_clients_do_not_read(tmp_path):
    (tmp_path / "big.py").write_text(
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Length', '100000')])\n"
        "    return [b'a' * 100_000]\n"
    )
    bind = f"127.0.0.1:{free_port()}"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "big:app",
        "--bind",
        bind,
        "--no-control-socket",
        "--threads",
        "8",
    ]
    command += ["--worker-class", "shared.gunicorn_worker.Worker", "--timeout", "600"]
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with Processes() as processes, contextlib.ExitStack() as stack:
        wait_for_port(processes.start(command, env, tmp_path / "log"), int(bind.partition(":")[2]))
        requests.get(f"http://{bind}/", timeout=WAIT_SECONDS)  # gunicorn listens before it has a worker
        for _ in range(MANY):
            stack.enter_context(connect_slow_reader(bind)).sendall(get(b"/"))
        assert len(requests.get(f"http://{bind}/", timeout=WAIT_SECONDS).content) == 100_000


def test_a_worker_without_room_gives_up_those_who_do_not_go_on(tmp_path):
    begun = [BEGUN["half a head"]] * MANY
    with (
        Served(tmp_path, "--worker-connections", str(MANY), TIMEOUT="600") as crowded,
        clients(crowded.bind, *begun) as opened,
    ):
        assert_works(crowded)
        assert not is_open(opened[0])


def test_a_client_that_asks_whether_to_send_its_body_is_told_once(patient):
    asking = b"Expect: 100-continue\r\n"
    with clients(patient.bind, post(asking + b"Content-Length: 2\r\nConnection: close\r\n", b"")) as [
        connection
    ]:
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert statuses(rest(connection)) == [403]
    with clients(patient.bind, post(asking + b"Content-Length: 1000000\r\n", b"")) as [connection]:
        assert statuses(connection.recv(65536)) == [403]
