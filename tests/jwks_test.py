"""The keys that tokens are verified with: kept, fetched again, and what happens when they can't be had."""

import contextlib
import threading

import issuer
import pytest

from shared.errors import Unavailable
from shared.jwks import Jwks, fetch_jwks
from tools.processes import free_port


class Clock:
    """A clock that stands still until it is moved."""

    seconds = 0.0

    def __call__(self):
        return self.seconds


class Source:
    """What a fetch gets: a key set, or an error that it raises."""

    def __init__(self, *names):
        self.fetches = 0
        self.holds(*names)

    def holds(self, *names):
        self.answer = issuer.jwks(*map(issuer.jwk, names))

    def __call__(self, place):
        self.fetches += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def source():
    return Source("one")


@pytest.fixture
def keys(source, clock):
    return Jwks("place", source, clock)


def test_keys_are_fetched_once_for_many_tokens(keys, source):
    found = [keys.find("one") for _ in range(5)]
    assert found[0].public_numbers() == issuer.key().public_key().public_numbers()
    assert source.fetches == 1


def test_an_unknown_key_id_fetches_again_once_a_minute_at_most(keys, source, clock):
    keys.find("one")
    clock.seconds = 59.9
    assert [keys.find("two") for _ in range(5)] == [None] * 5
    assert source.fetches == 1
    source.holds("one", "two")
    clock.seconds = 60.0
    assert keys.find("two")
    assert source.fetches == 2


def test_a_key_that_was_withdrawn_ends_within_an_hour(keys, source, clock):
    keys.find("one")
    source.holds("two")
    clock.seconds = 3599.0
    assert keys.find("one")
    clock.seconds = 3601.0
    assert keys.find("one") is None


def test_keys_go_on_for_a_day_when_their_issuer_is_away_and_then_end(keys, source, clock):
    keys.find("one")
    source.answer = OSError("away")
    clock.seconds = 23 * 3600.0
    assert keys.find("one")
    assert keys.find("one")
    assert source.fetches == 2
    clock.seconds = 24 * 3600.0 + 1
    with pytest.raises(Unavailable):
        keys.find("one")


def test_without_keys_nobody_gets_in_and_a_fetch_is_tried_every_few_seconds(keys, source, clock, caplog):
    source.answer = OSError("away")
    for _ in range(3):
        with pytest.raises(Unavailable):
            keys.find("one")
    assert source.fetches == 1
    assert "AUTH_JWKS can't be had: away" in caplog.text
    source.holds("one")
    clock.seconds = 5.0
    assert keys.find("one")


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"[]", b"null", b'{"keys": 1}', b'{"keys": [1]}', b'{"keys": [{"kty": 1}]}', b'{"keys": []}'],
)
def test_what_is_no_key_set_lets_nobody_in(keys, source, answer):
    source.answer = answer
    with pytest.raises(Unavailable):
        keys.find("one")


@pytest.mark.parametrize("change", [{"n": ""}, {"n": "%"}, {"e": "AA"}])
def test_a_broken_key_lets_nobody_in(keys, source, change):
    source.answer = issuer.jwks(issuer.jwk(**change))
    with pytest.raises(Unavailable):
        keys.find("one")


def test_only_rsa_keys_for_signatures_that_have_an_id_are_used(keys, source):
    unused = [
        {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        issuer.jwk(kid="encryption", use="enc"),
        issuer.jwk(kid="other", alg="RS512"),
        {name: value for name, value in issuer.jwk().items() if name != "kid"},
    ]
    source.answer = issuer.jwks(issuer.jwk(), *unused)
    assert keys.find("one")
    assert [keys.find(each) for each in ("ec", "secret", "encryption", "other", "", None)] == [None] * 6


def test_a_url_is_fetched():
    with issuer.KeyServer() as server:
        assert Jwks(server.url).find("one")


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_a_url_that_has_no_keys_lets_nobody_in(status):
    with issuer.KeyServer() as server:
        server.answer = status
        with pytest.raises(Unavailable):
            Jwks(server.url).find("one")
        assert server.asked == 1


def test_a_url_out_of_reach_lets_nobody_in():
    with pytest.raises(Unavailable):
        Jwks(f"http://127.0.0.1:{free_port()}/").find("one")


HEAD = b"HTTP/1.0 200 OK\r\n\r\n"


def drip(handler, done):
    """A good key set, after blanks that take twice as long as there is time."""
    handler.wfile.write(HEAD)
    for _ in range(80):
        if not done.wait(0.05):
            handler.wfile.write(b" ")
    handler.wfile.write(issuer.jwks())


def silence(handler, done):
    done.wait(6)
    handler.wfile.write(HEAD + issuer.jwks())


def flood(handler, done):
    handler.wfile.write(HEAD + b" " * 1_000_000 + issuer.jwks())


def nonsense(handler, done):
    handler.wfile.write(b"nonsense\r\n\r\n")


@pytest.mark.parametrize("behave", [drip, silence, flood, nonsense])
def test_a_server_that_drips_is_silent_floods_or_talks_nonsense_lets_nobody_in(behave):
    done = threading.Event()

    def answer(handler):
        with contextlib.suppress(OSError):
            behave(handler, done)

    with issuer.KeyServer() as server:
        server.answer = answer
        try:
            with pytest.raises(Unavailable):
                Jwks(server.url).find("one")
        finally:
            done.set()


def test_a_fetch_reads_no_other_kind_of_url(tmp_path):
    (tmp_path / "jwks.json").write_bytes(issuer.jwks())
    with pytest.raises(OSError, match="No such file"):
        fetch_jwks(f"file://{tmp_path}/jwks.json")
