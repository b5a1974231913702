"""A circuit breaker: keeps calls from a server that fails or dawdles, and tries it again now and then."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from types import TracebackType

from shared.observed import observed

log = logging.getLogger(__name__)

OPEN_SECONDS = 10.0
"""How long a server that failed is left alone; then one call, and no second one beside it, tries it."""

TOLERATED_SECONDS = 0.01
CONTENDED_SECONDS = 0.002
"""What a call may take, and how much more for each other one under way: threads wait for each other."""

COUNTED_SECONDS = 0.04
PATIENCE_SECONDS = 0.1
"""How much beyond that one call can count, and how much may be lost to slow calls in a row. It takes three of
them or more, one after another: a busy machine, or one new TLS connection, opens no circuit."""

QUICK_SECONDS = 0.05
"""A server that fails so quickly, as one that refuses connections does, costs nothing to try."""


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
        non_failures: exceptions that don't say that the server is out of reach.
        clock: tells seconds that never go back.
    """

    def __init__(self, *non_failures: type[Exception], clock: Callable[[], float] = time.monotonic) -> None:
        self._non_failures = non_failures
        self._clock = clock
        self._lock = Lock()
        self._under_way = 0
        self._lost_seconds = 0.0
        self._slow_until = 0.0
        self._is_open = False
        self._timed_out = False
        self._try_at = 0.0

    def guard(self, *, bypass_open_circuit: bool = False) -> Guard:
        """Make one call inside of this; what it raises passes.

        Args:
            bypass_open_circuit: call although the circuit is open, unless the last failed call timed out.

        Raises:
            CircuitOpen: no call is to be made now.
        """
        return Guard(self, bypass_open_circuit=bypass_open_circuit)

    def enter(self, *, bypass_open_circuit: bool) -> tuple[float, int]:
        """Count a call in, and return when it began and how many others are under way."""
        with self._lock:
            if self._is_open and (self._timed_out or not bypass_open_circuit):
                if self._clock() < self._try_at:
                    raise CircuitOpen("it failed a moment ago")
                self._try_at = self._clock() + OPEN_SECONDS  # this call tries; nobody else does meanwhile
            self._under_way += 1
            return self._clock(), self._under_way - 1

    def leave(self, started: float, others: int, error: BaseException | None) -> None:
        """Count it out again, with what it raised."""
        now = self._clock()
        answered = error is None or isinstance(error, self._non_failures)
        with self._lock:
            self._under_way -= 1
            if answered:
                self._count(started, now, max(others, self._under_way))
                if self._lost_seconds <= PATIENCE_SECONDS:
                    self._is_open = False
                    return
            else:
                self._lost_seconds = 0.0
        why = "slow answers" if answered else f"no answer: {error}"
        self._open(why, timed_out=not answered and now - started > QUICK_SECONDS)

    def _count(self, started: float, now: float, others: int) -> None:
        """Add up what is lost to slow calls in a row; of those that ran side by side only one counts."""
        over = now - started - TOLERATED_SECONDS - CONTENDED_SECONDS * others
        if over <= 0:
            self._lost_seconds = 0.0
        elif started >= self._slow_until:
            self._lost_seconds += min(over, COUNTED_SECONDS)
            self._slow_until = now

    def _open(self, why: str, *, timed_out: bool) -> None:
        with self._lock:
            was_open, self._is_open = self._is_open, True
            self._timed_out = timed_out
            self._try_at = self._clock() + OPEN_SECONDS
        if not was_open:
            observed().meet("breaker_openings")
            log.warning("redis: %s; left alone for %s s", why, OPEN_SECONDS)
