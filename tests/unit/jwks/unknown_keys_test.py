"""Unknown key ids: one refresh per cooldown, and no delay for known keys."""

from support import token_issuer
from support.jwks_harness import HEAD, LIMIT_SECONDS, Clock, Hanging, in_thread, key_set, wait_for_refresh

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
