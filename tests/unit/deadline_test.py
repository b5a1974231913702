import time
from contextvars import ContextVar
from threading import Event

import pytest

from shared.deadline import call_with_deadline, idle_time


def test_a_call_in_time_returns_its_result():
    assert call_with_deadline(5, lambda: "result") == "result"


def test_an_exception_of_the_call_is_raised_in_the_caller():
    def fail():
        raise LookupError("no such host")

    with pytest.raises(LookupError, match="no such host"):
        call_with_deadline(5, fail)


def test_a_call_that_raises_timeout_itself_is_not_mistaken_for_a_late_one():
    def fail():
        raise TimeoutError("the server timed out")

    with pytest.raises(TimeoutError, match="the server timed out"):
        call_with_deadline(5, fail, discard=lambda result: pytest.fail(f"discarded {result}"))


def test_a_late_result_is_discarded():
    release, discarded, is_discarded = Event(), [], Event()

    def late():
        release.wait(5)
        return "connection"

    def discard(result):
        discarded.append(result)
        is_discarded.set()

    with pytest.raises(TimeoutError):
        call_with_deadline(0.01, late, discard)
    release.set()
    assert is_discarded.wait(5)
    assert discarded == ["connection"]


def test_the_call_sees_the_context_of_its_caller():
    variable = ContextVar("variable")
    variable.set("value")
    assert call_with_deadline(5, variable.get) == "value"


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_idle_time_does_not_include_computation():
    started, idle = time.monotonic(), idle_time()
    compute(0.2)
    idle = idle_time() - idle
    assert idle <= time.monotonic() - started - 0.2


def test_a_call_that_computes_for_ever_still_ends():
    stop = Event()

    def never_returns():
        while not stop.is_set():
            pass

    with pytest.raises(TimeoutError):
        call_with_deadline(0.05, never_returns)
    stop.set()
