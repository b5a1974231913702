"""Fetching a key set: time limits, malformed responses, and the headers that are sent."""

import contextlib
import socket
import threading
import time
import tomllib

import pytest

from shared.auth.jwks import Jwks
from shared.auth.jwks_fetch import fetch_jwks
from shared.errors import Unavailable
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support import token_issuer
from support.environment import ROOT
from support.jwks_harness import HEAD, LIMIT_SECONDS, wait_until


def drip(*parts):
    """Write the parts at 10 bytes per second, and then a valid key set."""

    def behave(handler, done):
        for part in parts:
            for byte in part:
                if done.wait(0.1):
                    return
                handler.wfile.write(bytes([byte]))
        handler.wfile.write(token_issuer.jwks())

    return behave


def silence(handler, done):
    done.wait(20)


def cut_off(handler, done):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 5000\r\n\r\n" + token_issuer.jwks()[:-5])


def flood(handler, done):
    handler.wfile.write(HEAD + b" " * 1_000_000 + token_issuer.jwks())


def long_head(handler, done):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n" + token_issuer.jwks())


def nonsense(handler, done):
    handler.wfile.write(b"nonsense\r\n\r\n")


def bad_chunks(handler, done):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")


SLOW = {
    "status line drips": drip(b"HTTP/1.0 200 OK" + b" " * 100),
    "head drips": drip(b"HTTP/1.0 200 OK\r\nX: " + b"a" * 100),
    "body drips": drip(HEAD + b" " * 100),
    "body of an error drips": drip(b"HTTP/1.0 503 Busy\r\n\r\n" + b" " * 100),
    "interim responses drip": drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    "silence": silence,
    "cut off": cut_off,
    "flood": flood,
    "long head": long_head,
    "nonsense": nonsense,
    "bad chunks": bad_chunks,
}


@pytest.mark.parametrize("behave", SLOW.values(), ids=SLOW)
def test_a_slow_or_malformed_response_ends_in_time_and_leaves_no_thread(server, behave):
    threads = set(threading.enumerate())
    done = threading.Event()

    def respond(handler):
        with contextlib.suppress(OSError):
            behave(handler, done)

    server.response = respond
    start = time.monotonic()
    try:
        with pytest.raises(Unavailable):
            Jwks(server.url).find("one")
        assert time.monotonic() - start < LIMIT_SECONDS
        wait_until(lambda: not [thread for thread in threading.enumerate() if is_fetching(thread, threads)])
    finally:
        done.set()


def is_fetching(thread, threads):
    return thread not in threads and "process_request_thread" not in thread.name


def test_slow_name_resolution_ends_in_time(monkeypatch):
    release = threading.Event()

    def slow(*_args, **_kwargs):
        release.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        fetch_jwks("https://login.example.com/jwks.json")
    assert time.monotonic() - start < LIMIT_SECONDS
    release.set()


def test_connecting_to_unresponsive_addresses_ends_in_time(monkeypatch):
    with contextlib.ExitStack() as opened:
        ports = [full_backlog(opened) for _ in range(4)]
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: addresses)
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            fetch_jwks("http://login.example.com/jwks.json")
        assert time.monotonic() - start < LIMIT_SECONDS


def full_backlog(opened):
    """Return the port of a socket that accepts no more connections."""
    listening = opened.enter_context(socket.socket())
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    for _ in range(2):
        waiting = opened.enter_context(socket.socket())
        waiting.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            waiting.connect(listening.getsockname())
    return listening.getsockname()[1]


def test_a_scheme_in_capitals_is_a_url(server):
    assert fetch_jwks(server.url.replace("http", "HTTP")) == token_issuer.jwks()


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_a_fetch_rejects_other_url_schemes(tmp_path, scheme):
    (tmp_path / "jwks.json").write_bytes(token_issuer.jwks())
    with pytest.raises(OSError, match="No such file"):
        fetch_jwks(f"{scheme}://{tmp_path}/jwks.json")


def test_a_fetch_sends_user_agent_and_accept(server):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    fetch_jwks(server.url)
    assert server.headers["User-Agent"] == f"{project['name']}/{project['version']}"
    assert server.headers["Accept"] == "application/json"


def test_a_fetch_sends_only_validated_trace_headers(server):
    trace_id, root = "4bf92f3577b34da6a3ce929d0e0e4736", "1-5759e988-bd862e3fe1be46a994272793"
    request = RequestContext()
    request.traceparent = f"00-{trace_id}-00f067aa0ba902b7-ff"
    request.xray = f"Sampled=1;Root={root};Parent=x;Self=" + "A" * 8000
    token = CURRENT_CONTEXT.set(request)
    try:
        Jwks(server.url).find("one")
    finally:
        CURRENT_CONTEXT.reset(token)
    sent = server.headers
    assert {name.lower() for name in sent} == {
        *("accept", "accept-encoding", "connection", "host", "user-agent"),
        *("traceparent", "x-amzn-trace-id"),
    }
    version, trace, span, flags = sent["traceparent"].split("-")
    assert (version, trace, flags) == ("00", trace_id, "01")
    assert span != "00f067aa0ba902b7"
    assert len(span) == 16
    assert sent["X-Amzn-Trace-Id"] == f"Root={root}"
