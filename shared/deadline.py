"""A deadline for a whole blocking call: name resolution, every address, TLS and authentication."""

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def call_with_deadline(
    seconds: float, function: Callable[[], T], discard: Callable[[T], object] | None = None
) -> T:
    """Return what `function` returns, or raise its exception.

    The call runs in a daemon thread, in a copy of the caller's context, because `socket.getaddrinfo` and a
    handshake in several steps cannot be interrupted. After a timeout the thread continues.

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
        return future.result(seconds)
    except TimeoutError:
        if discard:
            future.add_done_callback(lambda late: late.exception() or discard(late.result()))
        raise


def _run(future: "Future[T]", function: Callable[[], T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
        future.set_exception(error)
