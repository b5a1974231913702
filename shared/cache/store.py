"""Access to the cache in Redis: lookups, locks of those who load, entries, invalidation."""

import logging
import secrets
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from redis.exceptions import MaxConnectionsError, ResponseError

from shared.cache.circuit_breaker import CircuitBreaker
from shared.cache.entry import STALE_IF_ERROR_SECONDS, Entry, Lookup, encode
from shared.cache.keys import CacheKey, generation_key, hash_tag
from shared.cache.redis_pool import PERSISTENT_ERRORS, Command, RedisPool, retry_once
from shared.cache.redis_replies import integer, is_set, text, values
from shared.config import Settings
from shared.observability.context import request_context

log = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_SECONDS = 1.0
"""A loader that takes longer, or died, is not alone any more."""

LOG_INTERVAL_SECONDS = 10.0
"""The least time between two log lines about errors that may come with every request."""

NON_FAILURES = (MaxConnectionsError, ResponseError)
"""Errors that don't mean that Redis is unavailable."""


class CacheUnavailable(Exception):
    """Redis is unavailable or refuses; the request goes on without it."""


class CacheStore:
    """Access to the cache; safe with threads and greenlets.

    Every method but `invalidate` and `ping` raises `CacheUnavailable` where Redis is unavailable, too slow,
    refuses, or replies with something unexpected.

    Args:
        redis: the client.
        settings: name the stage and the tables whose responses these are.
        now: returns Unix seconds.
        breaker: guards every call.
    """

    def __init__(
        self,
        redis: RedisPool,
        settings: Settings,
        now: Callable[[], float] = time.time,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._breaker = breaker or CircuitBreaker(
            *NON_FAILURES,
            persistent=PERSISTENT_ERRORS,
            now=lambda: self.now(),  # noqa: PLW0108
        )
        self.now = now
        self._lock = Lock()
        self._pending_invalidations: dict[str, object] = {}
        self._logged_at = 0.0

    def hash_tag(self, name: str) -> str:
        """Return how the keys of a module begin."""
        return hash_tag(self._settings, name)

    def ping(self) -> None:
        """Raise an error of redis-py unless Redis replies, whatever the circuit breaker knows."""
        retry_once(lambda: self._redis.execute(lambda replies: text(replies[0], b"PONG"), ("PING",)))

    def get(self, key: CacheKey) -> Lookup:
        """Return what is stored: one round trip."""
        if self._pending_invalidations:
            self._retry_invalidation(key.name)

        def parse(replies: list[Any]) -> Lookup:
            return Lookup.parse(key.entry, values(replies[0], 2))

        return self._run(parse, lambda: [("MGET", key.generation, key.entry)])

    def try_lock(self, key: CacheKey, lookup: Lookup) -> tuple[Lookup, bool]:
        """Try to become the loader of an entry, and look again: another loader may have stored it by now.

        Where the generation is missing this makes a new one, so that old entries stay invalid.
        """
        generation, entry, _ = lookup
        loaded_at = entry.metadata.loaded_at if entry else 0
        lock_key = f"{key.entry}:{generation and generation.value.decode()}:{loaded_at}"

        def parse(replies: list[Any]) -> tuple[Lookup, bool]:
            is_set(replies[0])
            return Lookup.parse(key.entry, values(replies[2], 2), lock_key), is_set(replies[1])

        def commands() -> list[Command]:
            return [
                ("SET", key.generation, self._new_generation(), "NX"),
                ("SET", lock_key, b"", "NX", "PX", int(LOCK_SECONDS * 1000)),
                ("MGET", key.generation, key.entry),
            ]

        lookup, has_lock = self._run(parse, commands)
        if lookup.generation is None:
            self._change_generation(key.name)
            raise CacheUnavailable("the generation was damaged")
        return lookup, has_lock

    def poll(self, key: CacheKey, lookup: Lookup) -> tuple[Lookup, bool]:
        """Look again, and return whether the lock is still held."""

        def parse(replies: list[Any]) -> tuple[Lookup, bool]:
            found = values(replies[0], 3)
            return Lookup.parse(key.entry, found, lookup.lock_key), found[2] is not None

        return self._run(parse, lambda: [("MGET", key.generation, key.entry, lookup.lock_key)])

    def set(self, key: CacheKey, lookup: Lookup, entry: Entry) -> None:
        """Store an entry, and release the lock."""

        def parse(replies: list[Any]) -> None:
            text(replies[0], b"OK")
            integer(replies[1])

        milliseconds = int(STALE_IF_ERROR_SECONDS * 1000)
        stored = encode(entry)
        self._run(parse, lambda: [("SET", key.entry, stored, "PX", milliseconds), ("DEL", lookup.lock_key)])

    def unlock(self, lookup: Lookup) -> None:
        """Release the lock."""
        self._run(lambda replies: integer(replies[0]), lambda: [("DEL", lookup.lock_key)])

    def invalidate(self, name: str) -> None:
        """Invalidate every entry: to be called after a commit, and before that is acknowledged.

        Where that fails, this process doesn't use the cache again until it has succeeded. Other processes may
        serve old entries, though none that is older than TTL_SECONDS.
        """
        try:
            self._change_generation(name)
        except CacheUnavailable as error:
            with self._lock:
                self._pending_invalidations[name] = object()
            log.error("cache: a write to %s did not invalidate the old entries: %s", name, error)  # noqa: TRY400

    def _retry_invalidation(self, name: str) -> None:
        """Do what `invalidate` could not."""
        pending = self._pending_invalidations.get(name)
        if pending is None:
            return
        self._change_generation(name)
        with self._lock:
            if self._pending_invalidations.get(name) is pending:  # else another one failed meanwhile
                del self._pending_invalidations[name]

    def _change_generation(self, name: str) -> None:
        """Delete the generation, which works where memory is short and SET does not, and set a new one."""
        key = generation_key(self.hash_tag(name))

        def commands() -> list[Command]:
            return [("DEL", key), ("SET", key, self._new_generation())]

        def parse(replies: list[Any]) -> None:
            integer(replies[0])
            if not isinstance(replies[1], ResponseError):
                text(replies[1], b"OK")

        self._run(parse, commands, bypass_open_circuit=True)

    def _new_generation(self) -> str:
        return f"{self.now():.3f}-{secrets.token_hex(8)}"

    def _run(
        self,
        parse: Callable[[list[Any]], T],
        commands: Callable[[], list[Command]],
        *,
        bypass_open_circuit: bool = False,
    ) -> T:
        try:
            with self._breaker.guard(bypass_open_circuit=bypass_open_circuit):
                return retry_once(lambda: self._redis.execute(parse, *commands()))
        except Exception as error:  # whatever it is, the request must go on
            request_context().increment("cache_unavailable", once=True)
            if isinstance(error, NON_FAILURES):
                self._log_throttled(error)
            raise CacheUnavailable(str(error)) from error

    def _log_throttled(self, error: Exception) -> None:
        """Log what may come with every request, but not that often."""
        if abs(self.now() - self._logged_at) > LOG_INTERVAL_SECONDS:
            self._logged_at = self.now()
            log.warning("redis: not used for a request: %s", error)
