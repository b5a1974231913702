"""The issuer's keys: parsed one by one, cached and refreshed; a failure never affects a valid token."""

import base64
import contextlib
import json
import logging
import socket
import threading
import time
import tomllib

import pytest

from shared.auth.jwks import Jwks, parse_jwks
from shared.auth.jwks_fetch import fetch_jwks
from shared.auth.tokens import Verifier
from shared.errors import Unavailable
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support import token_issuer
from support.environment import ROOT
from tools.local.processes import free_port

LIMIT_SECONDS = 5
"""More than the time limit of a fetch (2 s), and less than these servers take without one."""


class Clock:
    """A wall clock that tests set."""

    seconds = 1_900_000_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    with token_issuer.KeyServer() as server:
        yield server


@pytest.fixture
def keys(server, clock):
    return Jwks(server.url, now=clock)


def key_set(*names):
    return json.dumps({"keys": [token_issuer.jwk(name) for name in names]}).encode()


class Hanging:
    """A response that the issuer holds back until `release`."""

    def __init__(self, body=b""):
        self.body = body
        self.entered, self.release = threading.Event(), threading.Event()

    def __call__(self, handler):
        self.entered.set()
        self.release.wait(20)
        with contextlib.suppress(OSError):
            handler.wfile.write(HEAD + self.body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()


HEAD = b"HTTP/1.0 200 OK\r\n\r\n"


def in_thread(function, *args):
    """Call a function in a thread. The returned list receives its result or error."""
    results = []

    def run():
        try:
            results.append(function(*args))
        except Unavailable as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_refresh(keys):
    """Wait until the background refresh is done."""
    wait_until(lambda: keys._refresh is None)


# --- usable keys


def test_a_key_is_found_by_its_id():
    [key] = parse_jwks(token_issuer.jwks())["one"]
    assert key.key.public_numbers() == token_issuer.key().public_key().public_numbers()


def number(length, first=b"\xc1", last=b"\xc1"):
    return base64.urlsafe_b64encode(first + b"\xc1" * (length - 2) + last).decode().rstrip("=")


def without(*names, **changes):
    return {name: value for name, value in (token_issuer.jwk("b") | changes).items() if name not in names}


UNUSABLE_KEYS = {
    "null": None,
    "text": "key",
    "a list": [],
    "a number": 5,
    "empty": {},
    **{f"without {name}": without(name) for name in ("kty", "kid", "n", "e")},
    **{
        f"{name} {json.dumps(value)[:20]}": without(**{name: value})
        for name in ("kty", "kid", "n", "e", "use", "alg", "key_ops")
        for value in (None, True, 7, 1.5, ["RS256"], {"a": 1}, "", "\x00", "é", "%%%", "\ud800")
    },
    "exponent 0": without(e="AA"),
    "exponent 1": without(e="AQ"),
    "exponent 2": without(e="Ag"),
    "huge exponent": without(e=number(250)),
    "exponent above the modulus": without(e=number(300)),
    "512 bits": without(n=number(64)),
    "1024 bits": token_issuer.jwk("small", 1024),
    "16,400 bits": without(n=number(2050)),
    "1,600,000 bits": without(n=number(200_000)),
    "even modulus": without(n=number(256, last=b"\xc0")),
    "modulus with padding": without(n=token_issuer.jwk("b")["n"] + "="),
    "a private part": without(d="AQ"),
    "a private part of a wrong type": without(d=["AQ"], p=None),
    "several primes": without(d="AQ", oth=[{}]),
    "for encryption": without(use="enc", alg="RSA-OAEP"),
    "for RS512": without(alg="RS512"),
    "for PS256": without(alg="PS256"),
    "key_ops encrypt": without("use", "alg", key_ops=["encrypt"]),
    "key_ops of numbers": without(key_ops=[1, None]),
    "certificates": without(x5c=["MIIC"], x5t="a", x5u="http://127.0.0.1:1/"),
    "certificates of wrong types": without(x5c=7, x5t=[], x5u={}),
    "a huge number": without(x=10**4000),
    "EC": {"kty": "EC", "kid": "b", "crv": "P-256", "x": "AA", "y": "AA"},
    "EC, crv a list": {"kty": "EC", "kid": "b", "crv": ["P-256"], "x": 1, "y": 2, "e": 65537},
    "OKP": {"kty": "OKP", "kid": "b", "crv": "Ed25519", "x": "AA", "n": None},
    "X25519": {"kty": "OKP", "kid": "b", "crv": "X25519", "x": "AA"},
    "ML-DSA": {"kty": "AKP", "kid": "b", "alg": "ML-DSA-65", "pub": "AAAA"},
    "a secret": {"kty": "oct", "kid": "b", "k": "c2VjcmV0"},
    "a secret of a wrong type": {"kty": "oct", "kid": "b", "k": 5},
    "the same id, for RS512": token_issuer.jwk("other", kid="one", alg="RS512"),
    "the same id, another key": token_issuer.jwk("other", kid="one"),
    "the same id, a short key": token_issuer.jwk("small", 1024, kid="one"),
    "the same id, no key": without("n", kid="one"),
    "the same id, an encryption key": token_issuer.jwk("other", kid="one", use="enc"),
}


@pytest.mark.parametrize("unusable", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS)
def test_an_unusable_key_does_not_affect_the_others(tmp_path, verifier, unusable):
    usable = token_issuer.jwk()
    for key_list in ([usable, unusable], [unusable, usable], [unusable, usable, unusable]):
        verify = verifier(json.dumps({"keys": key_list}).encode())
        assert verify.claims(token_issuer.token(), "scope")["sub"] == "eve"


@pytest.fixture
def verifier(tmp_path):
    return lambda content: Verifier(token_issuer.auth_settings(tmp_path / "jwks.json", content))


@pytest.mark.parametrize(
    "raw", [b'{"kid": "a", "kid": 7}', b'{"x": 1e999}', b'{"x": -%s}' % (b"9" * 5000), b'{"x": NaN}']
)
def test_a_key_in_unusual_json_does_not_affect_the_others(raw):
    good = json.dumps(token_issuer.jwk()).encode()
    assert parse_jwks(b'{"keys": [%s, %s]}' % (raw, good)).keys() == {"one"}


def test_two_keys_with_one_id_are_both_used(verifier):
    verify = verifier(token_issuer.jwks(token_issuer.jwk("one"), token_issuer.jwk("other", kid="one")))
    for name in ("one", "other"):
        assert verify.claims(token_issuer.token(name, headers={"kid": "one"}), "scope")


def test_only_rsa_signature_keys_with_an_id_are_used():
    unused = [
        token_issuer.jwk(kid="encryption", use="enc"),
        token_issuer.jwk(kid="other", alg="RS512"),
        token_issuer.jwk(kid="wrap", key_ops=["wrapKey"]),
        token_issuer.jwk(kid=""),
        {name: value for name, value in token_issuer.jwk().items() if name != "kid"},
    ]
    used = [
        token_issuer.jwk(kid="plain", use=None, alg=None),
        token_issuer.jwk(kid="ops", key_ops=["verify"]),
        token_issuer.jwk(kid="x5c", x5c=["MIIC"]),
    ]
    assert parse_jwks(token_issuer.jwks(*unused, *used)).keys() == {"plain", "ops", "x5c"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_ignored(encoding):
    assert parse_jwks(token_issuer.jwks().decode().encode(encoding)).keys() == {"one"}


INVALID_SETS = {
    "empty": b"",
    "cut short": token_issuer.jwks()[:-5],
    "a list": b"[]",
    "null": b"null",
    "one key": json.dumps(token_issuer.jwk()).encode(),
    "another name": token_issuer.jwks().replace(b'"keys"', b'"Keys"'),
    **{f"keys {value}": b'{"keys": %s}' % value.encode() for value in ("1", '"a"', "{}", "null")},
    "no UTF-8": token_issuer.jwks().replace(b"sig", b"\xff"),
    "HTML": b"<!doctype html><title>Maintenance</title>",
    "nested deeply": b'{"keys": [{"x": ' + b"[" * 100_000,
}
SETS_WITHOUT_KEYS = {
    "keys []": b'{"keys": []}',
    "keys [1]": b'{"keys": [1]}',
    "no usable key": token_issuer.jwks(token_issuer.jwk(use="enc")),
    "a second, empty list": token_issuer.jwks()[:-1] + b', "keys": []}',
}
NO_KEYS = INVALID_SETS | SETS_WITHOUT_KEYS


@pytest.mark.parametrize("content", NO_KEYS.values(), ids=NO_KEYS)
def test_a_key_set_without_a_usable_key_raises_unavailable(keys, server, content):
    server.response = content
    with pytest.raises(Unavailable):
        keys.find("one")


@pytest.mark.parametrize("content", INVALID_SETS.values(), ids=INVALID_SETS)
def test_an_invalid_key_set_does_not_replace_the_cached_keys(keys, server, clock, content):
    assert keys.find("one")
    server.response = content
    clock.seconds += 3700
    assert keys.find("one")
    assert server.request_count == 2


# --- lifetime of keys


def test_keys_are_fetched_once_for_many_tokens(keys, server):
    assert all(keys.find("one") for _ in range(5))
    assert server.request_count == 1


def test_the_age_of_keys_follows_the_wall_clock():
    """CLOCK_MONOTONIC stops while a Lambda environment is frozen."""
    assert Jwks("any")._now is time.time


def test_a_revoked_key_is_dropped_within_an_hour(keys, server, clock):
    assert keys.find("one")
    server.response = key_set("two")
    clock.seconds += 3299
    assert keys.find("one")
    clock.seconds += 302
    assert keys.find("one") is None


def test_a_revoked_key_is_dropped_by_the_first_request_after_a_long_freeze(keys, server, clock):
    assert keys.find("one")
    server.response = key_set("two")
    clock.seconds += 20 * 3600
    assert keys.find("one") is None
    assert keys.find("two")


@pytest.mark.parametrize("content", SETS_WITHOUT_KEYS.values(), ids=SETS_WITHOUT_KEYS)
def test_a_revoked_key_is_dropped_even_if_none_is_left(keys, server, clock, content):
    assert keys.find("one")
    server.response = content
    clock.seconds += 3601
    with pytest.raises(Unavailable):
        keys.find("one")


def test_keys_near_expiry_are_refreshed_in_the_background(keys, server, clock):
    assert keys.find("one")
    with Hanging(key_set("two")) as server.response:
        clock.seconds += 3300
        assert keys.find("one")
        assert server.response.entered.wait(LIMIT_SECONDS)
        assert keys.find("one")
    wait_for_refresh(keys)
    assert keys.find("one") is None
    assert server.request_count == 2


def test_keys_are_used_for_a_day_while_the_issuer_is_unreachable_and_then_dropped(keys, server, clock):
    assert keys.find("one")
    server.response = 500
    clock.seconds += 23 * 3600
    assert keys.find("one")
    assert keys.find("one")
    assert server.request_count == 2
    clock.seconds += 3601
    with pytest.raises(Unavailable):
        keys.find("one")


def test_a_clock_that_is_set_back_does_not_stop_the_refresh(keys, server, clock):
    assert keys.find("one")
    server.response = key_set("two")
    clock.seconds -= 365 * 24 * 3600
    assert keys.find("one") is None


def test_a_clock_that_is_set_back_during_an_outage_changes_no_expiry(keys, server, clock):
    assert keys.find("one")
    server.response = 500
    clock.seconds -= 365 * 24 * 3600
    assert keys.find("one")
    clock.seconds += 24 * 3600 + 1
    with pytest.raises(Unavailable):
        keys.find("one")


def test_a_frozen_refresh_is_replaced_and_its_late_result_is_dropped(keys, server, clock):
    assert keys.find("one")
    threads = threading.active_count()
    with Hanging(key_set("one")) as frozen:
        server.response = frozen
        clock.seconds += 3300
        assert keys.find("one")
        assert frozen.entered.wait(LIMIT_SECONDS)
        clock.seconds += 7200
        server.response = key_set("two")
        assert keys.find("one") is None
    wait_until(lambda: threading.active_count() <= threads)
    assert keys.find("one") is None


def test_a_refresh_that_never_ends_is_waited_for_once(clock):
    """As when each invocation ends before the fetch does, and the environment is frozen meanwhile."""
    fetches, release = [], threading.Event()

    def fetch(_):
        fetches.append(None)
        if len(fetches) > 1:
            release.wait(20)
            raise OSError("the connection was closed while frozen")
        return key_set("one")

    keys = Jwks("https://issuer.example", fetch, clock)
    assert keys.find("one")
    clock.seconds += 3700
    assert keys.find("one")  # returns after the time limit
    clock.seconds += 61
    assert keys._refresh_to_await("one") is None
    wait_until(lambda: len(fetches) == 3)  # in the background
    release.set()


# --- unknown key ids


def test_unknown_key_ids_start_one_refresh_per_cooldown(keys, server, clock):
    assert keys.find("one")
    clock.seconds += 29.9
    assert [keys.find(f"unknown-{n}") for n in range(100)] == [None] * 100
    assert server.request_count == 1
    clock.seconds += 0.1
    assert [keys.find(f"unknown-{n}") for n in range(100)] == [None] * 100
    assert server.request_count == 2


def test_a_new_key_is_accepted_within_one_cooldown_under_a_flood_of_unknown_ids(keys, server, clock):
    assert keys.find("one")
    server.response = key_set("one", "two")
    seconds = 0
    while not keys.find("two"):
        keys.find(f"unknown-{seconds}")
        seconds += 1
        clock.seconds += 1
    assert seconds == 30


def test_unknown_key_ids_do_not_delay_the_refresh_that_drops_a_revoked_key(keys, server, clock):
    """Not even if each refresh for an unknown id fails."""
    assert keys.find("one")
    for _ in range(120):
        clock.seconds += 31
        server.response = 500
        keys.find("unknown")
        server.response = key_set("two")
        if not keys.find("one"):
            break
        wait_for_refresh(keys)
    assert keys.find("one") is None
    assert clock.seconds - Clock.seconds < 3700


def test_a_known_key_does_not_wait_for_the_refresh_of_an_unknown_one(keys, server, clock):
    assert keys.find("one")
    with Hanging() as server.response:
        clock.seconds += 60
        thread, results = in_thread(keys.find, "unknown")
        assert server.response.entered.wait(LIMIT_SECONDS)
        assert keys.find("one")
        assert results == []
        thread.join(LIMIT_SECONDS)
        assert results == [None]


def test_the_cooldown_starts_at_the_end_of_a_refresh(keys, server, clock):
    assert keys.find("one")
    clock.seconds += 60

    def slow_clock(handler):
        clock.seconds += 4
        handler.wfile.write(HEAD + token_issuer.jwks())

    server.response = slow_clock
    keys.find("unknown")
    clock.seconds += 29
    keys.find("unknown")
    assert server.request_count == 2
    clock.seconds += 1
    keys.find("unknown")
    assert server.request_count == 3


# --- a slow or unreachable issuer


def test_without_keys_all_callers_wait_for_one_fetch(keys, server):
    with Hanging() as server.response:
        calls = [in_thread(keys.find, name) for name in ("one", "two", "one", "three")]
        for thread, _ in calls:
            thread.join(LIMIT_SECONDS)
        assert all(isinstance(result, Unavailable) for _, [result] in calls)
        assert server.request_count == 1


def test_the_first_callers_share_the_keys_of_one_fetch(keys, server):
    with Hanging(token_issuer.jwks()) as server.response:
        calls = [in_thread(keys.find, "one") for _ in range(4)]
        assert server.response.entered.wait(LIMIT_SECONDS)
    for thread, _ in calls:
        thread.join(LIMIT_SECONDS)
    assert all(result for _, [result] in calls)
    assert server.request_count == 1


def test_without_keys_a_fetch_is_retried_every_few_seconds(keys, server, clock, caplog):
    server.response = 500
    for _ in range(3):
        with pytest.raises(Unavailable):
            keys.find("one")
    assert server.request_count == 1
    assert "AUTH_JWKS: cannot read the key set: HTTP Error 500" in caplog.text
    server.response = token_issuer.jwks()
    clock.seconds += 5
    assert keys.find("one")


def test_requests_with_expired_keys_wait_once_for_a_hanging_issuer(keys, server, clock):
    assert keys.find("one")
    with Hanging() as hanging:
        server.response = hanging
        clock.seconds += 3700
        assert keys.find("one")  # returns after the time limit
        clock.seconds += 31
        hanging.entered.clear()
        assert keys.find("one")
        assert keys._refresh  # a retry runs, and no request waits for it
        assert hanging.entered.wait(LIMIT_SECONDS)
        wait_for_refresh(keys)
    server.response = key_set("two")
    clock.seconds += 31
    keys.find("one")
    wait_for_refresh(keys)
    assert keys.find("one") is None


@pytest.mark.parametrize("status", [204, 301, 302, 303, 307, 308, 403, 404, 500, 503])
def test_an_error_status_is_neither_retried_nor_followed(keys, server, status):
    server.response = status
    with pytest.raises(Unavailable):
        keys.find("one")
    assert server.request_count == 1


def test_an_unreachable_url_raises_unavailable():
    with pytest.raises(Unavailable):
        Jwks(f"http://127.0.0.1:{free_port()}/").find("one")


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


# --- the fetch: locations and headers


def test_a_file_is_read_again_after_an_hour(tmp_path, clock):
    file = tmp_path / "jwks.json"
    file.write_bytes(key_set("one"))
    keys = Jwks(str(file), now=clock)
    assert keys.find("one")
    file.write_bytes(key_set("two"))
    clock.seconds += 3601
    assert keys.find("one") is None
    assert keys.find("two")


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


def test_content_of_the_key_set_appears_in_no_log(keys, server, caplog):
    caplog.set_level(logging.DEBUG)
    server.response = b'{"keys": "secret\\nline"}'
    with pytest.raises(Unavailable):
        keys.find("one")
    assert "secret" not in caplog.text
