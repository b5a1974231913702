"""Revoked keys are dropped, and keys near their expiry are refreshed."""

import threading
import time

import pytest

from shared.auth.jwks import Jwks
from shared.errors import Unavailable
from support.jwks_harness import (
    LIMIT_SECONDS,
    SETS_WITHOUT_KEYS,
    Hanging,
    key_set,
    wait_for_refresh,
    wait_until,
)

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
