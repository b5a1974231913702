"""A circuit breaker. It stops calls to a server that fails or is slow, and retries it every 10 seconds."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from types import TracebackType

from shared.deadline import idle_time
from shared.observability.context import request_context

log = logging.getLogger(__name__)

OPEN_SECONDS = 10.0
"""Time that the circuit stays open. Then a single trial call decides whether it closes."""

SLOW_CALL_SECONDS = 0.01
SLOW_CALL_SECONDS_PER_CONCURRENT_CALL = 0.002
"""A call that takes longer is slow. Concurrent calls raise the limit, since threads and greenlets wait for
each other."""

MAX_DELAY_PER_CALL_SECONDS = 0.04
MAX_DELAY_SECONDS = 0.1
"""Consecutive slow calls open the circuit when their delays add up to more than MAX_DELAY_SECONDS. Each call
adds MAX_DELAY_PER_CALL_SECONDS at most. So it takes at least three calls: neither a busy machine nor one new
TLS connection opens the circuit."""

FAST_FAILURE_SECONDS = 0.05
"""A failure within this time, such as a refused connection, is cheap, so important calls may bypass the open
circuit."""


class CircuitOpen(Exception):
    """The server was not called, because it failed within the last OPEN_SECONDS."""


class Guard:
    """Context manager for one call.

    It is a class because `contextlib.contextmanager` costs more time than the rest of the guard.
    """

    def __init__(self, breaker: "CircuitBreaker", *, bypass_open_circuit: bool) -> None:
        self._breaker = breaker
        self._bypass_open_circuit = bypass_open_circuit

    def __enter__(self) -> None:
        self._started, self._others = self._breaker.enter(bypass_open_circuit=self._bypass_open_circuit)

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker.leave(self._started, self._others, error)


class CircuitBreaker:
    """Guards the calls to one server. Thread-safe.

    Args:
        non_failures: exceptions that do not mean that the server is unavailable.
        persistent: exceptions that do not go away within seconds. After one, no call bypasses the circuit.
        clock: returns monotonic seconds, to measure calls. They stop while Lambda freezes the process. By
            default they do not count while this process computes, because that is no delay of the server.
        now: returns Unix seconds, to schedule the trial call.
    """

    def __init__(
        self,
        *non_failures: type[Exception],
        persistent: tuple[type[Exception], ...] = (),
        clock: Callable[[], float] = idle_time,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._non_failures = non_failures
        self._persistent = persistent
        self._clock = clock
        self._now = now
        self._lock = Lock()
        self._concurrent_calls = 0
        self._delay = 0.0
        self._slow_until = 0.0
        self._is_open = False
        self._may_bypass = True
        self._try_at = 0.0

    def guard(self, *, bypass_open_circuit: bool = False) -> Guard:
        """Return a context manager for one call. It does not suppress the call's exceptions.

        Args:
            bypass_open_circuit: make the call even if the circuit is open, unless the last failure was slow
                or persistent.

        Raises:
            CircuitOpen: on entering, if the circuit is open.
        """
        return Guard(self, bypass_open_circuit=bypass_open_circuit)

    def enter(self, *, bypass_open_circuit: bool) -> tuple[float, int]:
        """Begin a call. Return its start time and the number of concurrent calls."""
        with self._lock:
            if self._is_open and not (bypass_open_circuit and self._may_bypass):
                now = self._now()
                if 0 < self._try_at - now <= OPEN_SECONDS:  # further ahead: the clock was set back
                    raise CircuitOpen("the circuit is open")
                self._try_at = now + OPEN_SECONDS  # this is the trial call; others wait for the next one
            self._concurrent_calls += 1
            return self._clock(), self._concurrent_calls - 1

    def leave(self, started: float, others: int, error: BaseException | None) -> None:
        """End a call. `error` is the exception that it raised, or None."""
        ended = self._clock()
        responded = error is None or isinstance(error, self._non_failures)
        with self._lock:
            self._concurrent_calls -= 1
            if responded:
                self._add_delay(started, ended, max(others, self._concurrent_calls))
                if self._delay <= MAX_DELAY_SECONDS:
                    self._is_open = False
                    return
            else:
                self._delay = 0.0
        is_fast = ended - started <= FAST_FAILURE_SECONDS and not isinstance(error, self._persistent)
        reason = "slow responses" if responded else f"no response: {error}"
        self._open(reason, may_bypass=responded or is_fast)

    def _add_delay(self, started: float, ended: float, others: int) -> None:
        """Add up the delays of consecutive slow calls. Of calls that overlap, only the first counts."""
        delay = ended - started - SLOW_CALL_SECONDS - SLOW_CALL_SECONDS_PER_CONCURRENT_CALL * others
        if delay <= 0:
            self._delay = 0.0
        elif started >= self._slow_until:
            self._delay += min(delay, MAX_DELAY_PER_CALL_SECONDS)
            self._slow_until = ended

    def _open(self, reason: str, *, may_bypass: bool) -> None:
        with self._lock:
            was_open, self._is_open = self._is_open, True
            self._may_bypass = may_bypass
            self._try_at = self._now() + OPEN_SECONDS
        if not was_open:
            request_context().increment("circuit_breaker_opened")
            log.warning("redis: circuit opened for %s s: %s", OPEN_SECONDS, reason)
