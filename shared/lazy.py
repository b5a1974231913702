"""A thing that is made when it is first used."""

from collections.abc import Callable
from threading import Lock
from typing import Any


class Lazy:
    """Stands for a dao until the first call to it, which makes it, once for all threads.

    The AWS SDK takes longer to import than everything else together, and an answer from the cache needs none
    of it.
    """

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: object = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return getattr(self._made, name)
