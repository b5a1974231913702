"""Lazy creation of an object."""

from collections.abc import Callable
from threading import Lock
from typing import Any


class Lazy:
    """Proxy that creates an object at the first access to an attribute, once for all threads.

    The AWS SDK takes longer to import than the rest of the app, and a cached response does not need it.
    """

    def __init__(self, create: Callable[[], object]) -> None:
        self._create = create
        self._lock = Lock()
        self._object: object = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._object is None:
                self._object = self._create()
        return getattr(self._object, name)
