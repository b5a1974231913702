"""A circuit breaker: stops calls to a server that fails or is slow, and tries it again now and then."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from types import TracebackType

from shared.observability.context import request_context

log = logging.getLogger(__name__)

OPEN_SECONDS = 10.0
"""How long a server that failed is not called; then one call tries it, and no other one beside it."""

SLOW_CALL_SECONDS = 0.01
SLOW_CALL_SECONDS_PER_CONCURRENT_CALL = 0.002
"""A call that takes longer is slow. Threads and greenlets wait for each other: concurrent calls add to it."""

MAX_DELAY_PER_CALL_SECONDS = 0.04
MAX_DELAY_SECONDS = 0.1
"""How much of one slow call's delay counts, and the delay of slow calls in a row that opens the circuit. It
takes three calls or more: neither a busy machine nor one new TLS connection opens it."""

FAST_FAILURE_SECONDS = 0.05
"""A server that fails within this time, such as one that refuses connections, costs nothing to try."""


class CircuitOpen(Exception):
    """The server failed a moment ago, so it was not called."""


class Guard:
    """One guarded call; a class, since a generator takes longer than all the rest of it."""

    def __init__(self, breaker: "CircuitBreaker", *, bypass_open_circuit: bool) -> None:
        self._breaker = breaker
        self._bypass_open_circuit = bypass_open_circuit

    def __enter__(self) -> None:
        self._started, self._others = self._breaker.enter(bypass_open_circuit=self._bypass_open_circuit)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker.leave(self._started, self._others, error)


class CircuitBreaker:
    """Guards the calls to one server; safe with threads.

    Args:
        non_failures: exceptions that don't mean that the server is unavailable.
        persistent: exceptions that don't pass within seconds; nothing bypasses the circuit after them.
        clock: seconds that never go back, to measure calls; they stand still while Lambda freezes a process.
        now: Unix seconds, to decide when to try again.
    """

    def __init__(
        self,
        *non_failures: type[Exception],
        persistent: tuple[type[Exception], ...] = (),
        clock: Callable[[], float] = time.monotonic,
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
        """Return a context manager for one call; what the call raises passes.

        Args:
            bypass_open_circuit: call although the circuit is open, unless the last failure took long or is
                persistent.

        Raises:
            CircuitOpen: the server must not be called now.
        """
        return Guard(self, bypass_open_circuit=bypass_open_circuit)

    def enter(self, *, bypass_open_circuit: bool) -> tuple[float, int]:
        """Begin a call; return when it began and the number of concurrent ones."""
        with self._lock:
            if self._is_open and not (bypass_open_circuit and self._may_bypass):
                now = self._now()
                if 0 < self._try_at - now <= OPEN_SECONDS:  # further ahead: the clock was put back
                    raise CircuitOpen("it failed a moment ago")
                self._try_at = now + OPEN_SECONDS  # this call tries; no other one does meanwhile
            self._concurrent_calls += 1
            return self._clock(), self._concurrent_calls - 1

    def leave(self, started: float, others: int, error: BaseException | None) -> None:
        """End a call, with the error it raised."""
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
        why = "slow responses" if responded else f"no response: {error}"
        self._open(why, may_bypass=responded or is_fast)

    def _add_delay(self, started: float, ended: float, others: int) -> None:
        """Add up the delay of slow calls in a row; of concurrent ones only one counts."""
        delay = ended - started - SLOW_CALL_SECONDS - SLOW_CALL_SECONDS_PER_CONCURRENT_CALL * others
        if delay <= 0:
            self._delay = 0.0
        elif started >= self._slow_until:
            self._delay += min(delay, MAX_DELAY_PER_CALL_SECONDS)
            self._slow_until = ended

    def _open(self, why: str, *, may_bypass: bool) -> None:
        with self._lock:
            was_open, self._is_open = self._is_open, True
            self._may_bypass = may_bypass
            self._try_at = self._now() + OPEN_SECONDS
        if not was_open:
            request_context().increment("circuit_breaker_opened")
            log.warning("redis: %s; not used for %s s", why, OPEN_SECONDS)
