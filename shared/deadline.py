"""A deadline for a whole blocking call: name resolution, every address, TLS and authentication."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

MAX_EXTENSION = 4
"""Maximum duration of a call, in multiples of its limit, while this process computes."""

MIN_WAIT_SECONDS = 0.001
"""A shorter rest of the limit is not worth another wait."""


def idle_time() -> float:
    """Return monotonic seconds that do not count while this process computes, in any thread or greenlet."""
    return time.monotonic() - time.process_time()


def call_with_deadline(
    seconds: float, function: Callable[[], T], discard: Callable[[T], object] | None = None
) -> T:
    """Return what `function` returns, or raise its exception.

    The call runs in a daemon thread, in a copy of the caller's context, because `socket.getaddrinfo` and a
    handshake in several steps cannot be interrupted. After a timeout the thread continues.

    The limit does not include the time in which this process computes: under gevent, one greenlet waits while
    others run. It is extended to MAX_EXTENSION times `seconds` at most.

    Args:
        seconds: the time limit.
        function: the blocking call.
        discard: receives a result that arrives after the deadline, for example to close it.

    Raises:
        TimeoutError: the deadline passed.
    """
    future: Future[T] = Future()
    Thread(target=copy_context().run, args=(_run, future, function), daemon=True).start()
    try:
        return _wait(future, seconds)
    except TimeoutError:
        if discard:
            future.add_done_callback(lambda late: late.exception() or discard(late.result()))
        raise


def _wait(future: "Future[T]", seconds: float) -> T:
    started, idle_until = time.monotonic(), idle_time() + seconds
    left = seconds
    while not future.done() and left > MIN_WAIT_SECONDS:
        wait([future], left)
        left = min(idle_until - idle_time(), started + MAX_EXTENSION * seconds - time.monotonic())
    return future.result(0)


def _run(future: "Future[T]", function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
        future.set_exception(error)
