"""The circuit breaker in a Lambda function that is frozen, and with a clock that is set back."""

import pytest

from shared.cache.circuit_breaker import CircuitBreaker, CircuitOpen


class FrozenFunction:
    """A breaker with two clocks. The monotonic one stops while Lambda freezes the process."""

    def __init__(self):
        self.monotonic, self.wall = 1000.0, 1_900_000_000.0
        self.breaker = CircuitBreaker(clock=lambda: self.monotonic, now=lambda: self.wall)

    def call(self, error=None):
        self.monotonic += 0.02
        self.wall += 0.02
        with self.breaker.guard():
            if error:
                raise error

    def is_open(self):
        try:
            self.call()
        except CircuitOpen:
            return True
        return False


@pytest.fixture
def function():
    function = FrozenFunction()
    with pytest.raises(OSError, match="away"):
        function.call(OSError("away"))
    assert function.is_open()
    return function


def test_after_a_freeze_the_next_call_is_a_trial_call(function):
    function.wall += 3600
    assert not function.is_open()


def test_a_clock_set_back_keeps_the_circuit_open_for_ten_seconds_at_most(function):
    function.wall -= 3600
    assert not function.is_open()


def test_a_clock_set_back_slightly_keeps_the_circuit_open_slightly_longer(function):
    function.wall -= 5
    function.wall += 14.5
    assert function.is_open()
    function.wall += 1
    assert not function.is_open()
