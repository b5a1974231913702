"""When the circuit opens, which calls it lets through, and when it closes."""

import logging

import pytest

from shared.cache.circuit_breaker import CircuitBreaker, CircuitOpen
from support.cache_harness import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(ValueError, persistent=(PermissionError,), clock=clock, now=clock)


def call(breaker, clock, seconds=0.001, error=None, **options):
    with breaker.guard(**options):
        clock.seconds += seconds
        if error:
            raise error


def is_open(breaker, clock):
    try:
        call(breaker, clock)
    except CircuitOpen:
        return True
    return False


def fail(breaker, clock):
    with pytest.raises(OSError, match="away"):
        call(breaker, clock, error=OSError("away"))


def test_the_circuit_is_closed_at_first(breaker, clock):
    assert not is_open(breaker, clock)


def test_a_failure_opens_the_circuit_for_ten_seconds(breaker, clock, caplog):
    fail(breaker, clock)
    clock.seconds += 9.9
    assert is_open(breaker, clock)
    clock.seconds += 0.2
    assert not is_open(breaker, clock)
    assert not is_open(breaker, clock)
    assert caplog.messages == ["redis: circuit opened for 10.0 s: no response: away"]


def test_a_failed_trial_call_reopens_the_circuit_without_another_log_message(breaker, clock, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(3):
        fail(breaker, clock)
        assert is_open(breaker, clock)
        clock.seconds += 10
    assert len(caplog.messages) == 1


def test_only_one_trial_call_is_made(breaker, clock):
    fail(breaker, clock)
    clock.seconds += 10
    with breaker.guard():
        assert is_open(breaker, clock)
    assert not is_open(breaker, clock)


def test_a_slow_trial_call_closes_the_circuit_after_a_failure(breaker, clock):
    """A new TLS connection is slow."""
    fail(breaker, clock)
    clock.seconds += 10
    call(breaker, clock, 0.05)
    assert not is_open(breaker, clock)


def test_a_trial_call_that_never_returns_is_followed_by_another(breaker, clock):
    fail(breaker, clock)
    clock.seconds += 10
    with breaker.guard():
        clock.seconds += 10
        assert not is_open(breaker, clock)


def test_a_non_failure_does_not_open_the_circuit(breaker, clock):
    for _ in range(100):
        with pytest.raises(ValueError, match="no"):
            call(breaker, clock, error=ValueError("no"))
    assert not is_open(breaker, clock)


def test_an_interrupted_call_counts_as_failed(breaker, clock):
    with pytest.raises(SystemExit):
        call(breaker, clock, error=SystemExit())
    assert is_open(breaker, clock)


@pytest.mark.parametrize(("seconds", "calls"), [(0.2, 3), (0.06, 3), (0.04, 4), (0.02, 11)])
def test_slow_calls_open_the_circuit(breaker, clock, seconds, calls):
    for _ in range(calls):
        assert not breaker._is_open
        call(breaker, clock, seconds)
    assert is_open(breaker, clock)


@pytest.mark.parametrize("pattern", [[0.2, 0.2, 0.001], [0.009], [0.02] * 9 + [0.009]])
def test_occasional_slow_calls_do_not_open_the_circuit(breaker, clock, pattern):
    for seconds in pattern * 50:
        call(breaker, clock, seconds)


def test_concurrent_calls_that_delay_each_other_do_not_open_the_circuit(breaker, clock):
    for _ in range(10):
        calls = [breaker.guard() for _ in range(40)]
        for guard in calls:
            guard.__enter__()
            clock.seconds += 0.001
        for guard in calls:
            clock.seconds += 0.001
            guard.__exit__(None, None, None)
    assert not is_open(breaker, clock)


def test_a_pause_of_the_process_does_not_open_the_circuit(breaker, clock):
    for _ in range(10):
        calls = [breaker.guard() for _ in range(3)]
        for guard in calls:
            guard.__enter__()
        clock.seconds += 0.2
        for guard in calls:
            guard.__exit__(None, None, None)
        call(breaker, clock)


def test_a_bypassing_call_is_made_after_a_fast_failure(breaker, clock):
    fail(breaker, clock)
    call(breaker, clock, bypass_open_circuit=True)
    assert not is_open(breaker, clock)  # since that call succeeded


def test_a_bypassing_call_is_made_to_a_slow_server(breaker, clock):
    for _ in range(3):
        call(breaker, clock, 0.2)
    assert is_open(breaker, clock)
    call(breaker, clock, 0.2, bypass_open_circuit=True)
    assert is_open(breaker, clock)


def test_a_bypassing_call_is_not_made_after_a_slow_failure(breaker, clock):
    with pytest.raises(OSError, match="silence"):
        call(breaker, clock, 0.5, error=OSError("silence"))
    with pytest.raises(CircuitOpen):
        call(breaker, clock, bypass_open_circuit=True)


@pytest.mark.parametrize("bypass_open_circuit", [False, True])
def test_a_slow_trial_call_keeps_the_circuit_open_after_slow_calls(breaker, clock, bypass_open_circuit):
    for _ in range(3):
        call(breaker, clock, 0.2)
    for _ in range(3):
        clock.seconds += 10
        call(breaker, clock, 0.015, bypass_open_circuit=bypass_open_circuit)
        assert is_open(breaker, clock)
    clock.seconds += 10
    call(breaker, clock, 0.002)
    assert not is_open(breaker, clock)


def test_a_persistent_failure_is_not_bypassed(breaker, clock):
    with pytest.raises(PermissionError):
        call(breaker, clock, error=PermissionError("wrong password"))
    with pytest.raises(CircuitOpen):
        call(breaker, clock, bypass_open_circuit=True)
