"""The cached keys of the issuer: invalid key sets, concurrent callers and retries."""

import json
import logging

import pytest

from shared.auth.jwks import Jwks
from shared.errors import Unavailable
from support import token_issuer
from support.jwks_harness import (
    LIMIT_SECONDS,
    SETS_WITHOUT_KEYS,
    Hanging,
    in_thread,
    key_set,
    wait_for_refresh,
)
from tools.local.processes import free_port

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


def test_content_of_the_key_set_appears_in_no_log(keys, server, caplog):
    caplog.set_level(logging.DEBUG)
    server.response = b'{"keys": "secret\\nline"}'
    with pytest.raises(Unavailable):
        keys.find("one")
    assert "secret" not in caplog.text
