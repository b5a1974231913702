"""Reads and writes the cache in Redis: lookups, locks, entries, invalidation."""

import logging
import secrets
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from redis.exceptions import MaxConnectionsError, ResponseError

from shared.cache.circuit_breaker import CircuitBreaker
from shared.cache.entry import STALE_IF_ERROR_SECONDS, Entry, Lookup, encode
from shared.cache.keys import CacheKey, generation_key, hash_tags
from shared.cache.redis_pool import PERSISTENT_ERRORS, Command, RedisPool, retry_once
from shared.cache.redis_replies import expect, parse_integer, parse_invalidation, parse_set_nx, parse_values
from shared.config import Settings
from shared.observability.context import request_context

log = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_SECONDS = 1.0
"""Lifetime of a lock. Another request may take over from one that failed or takes longer."""

LOG_INTERVAL_SECONDS = 10.0
"""Minimum time between two log messages about errors that can occur in every request."""

NON_FAILURES = (MaxConnectionsError, ResponseError)
"""Errors that do not mean that Redis is unavailable, so they do not open the circuit."""


class CacheUnavailable(Exception):
    """Redis is unavailable or returned an error. The request continues without the cache."""


class CacheStore:
    """The cache in Redis. Safe with threads and greenlets.

    Every method except `invalidate` and `ping` raises CacheUnavailable if Redis is unavailable or too slow,
    returns an error, or sends an invalid reply.

    Args:
        redis: the client.
        settings: supply the stage and table names for the keys.
        now: returns Unix seconds.
        breaker: guards every call except `ping`.
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

    def hash_tags(self, name: str) -> tuple[str, ...]:
        """Return the hash tags that a module's keys start with, one for each shard."""
        return hash_tags(self._settings, name)

    def ping(self) -> None:
        """Raise RedisError unless Redis replies to PING. Ignores the circuit breaker."""
        retry_once(lambda: self._redis.execute(lambda replies: expect(replies[0], b"PONG"), ("PING",)))

    def get(self, key: CacheKey) -> Lookup:
        """Return the current generation and the entry, in one round trip."""
        if self._pending_invalidations:
            self._retry_invalidation(key.name)

        def parse(replies: list[Any]) -> Lookup:
            return Lookup.parse(key.entry, parse_values(replies[0], 2))

        return self.run(parse, lambda: [("MGET", key.generation, key.entry)])

    def try_lock(self, key: CacheKey, lookup: Lookup) -> tuple[Lookup, bool]:
        """Try to lock the entry. Return a new lookup, and True if this request got the lock.

        The new lookup is needed because another request may have stored the entry. If the
        generation is missing, a new one is set, so entries of earlier generations stay invalid.
        """
        generation, entry = lookup.generation, lookup.entry
        loaded_at = entry.metadata.loaded_at if entry else 0
        lock_key = f"{key.entry}:{generation and generation.value.decode()}:{loaded_at}"

        def parse(replies: list[Any]) -> tuple[Lookup, bool]:
            parse_set_nx(replies[0])
            return Lookup.parse(key.entry, parse_values(replies[2], 2), lock_key), parse_set_nx(replies[1])

        def commands() -> list[Command]:
            return [
                ("SET", key.generation, self._new_generation(), "NX"),
                ("SET", lock_key, b"", "NX", "PX", int(LOCK_SECONDS * 1000)),
                ("MGET", key.generation, key.entry),
            ]

        lookup, has_lock = self.run(parse, commands)
        if lookup.generation is None:
            self._change_generation(key.name)
            raise CacheUnavailable("the stored generation was malformed and has been replaced")
        return lookup, has_lock

    def poll(self, key: CacheKey, lookup: Lookup) -> tuple[Lookup, bool]:
        """Return a new lookup, and True while another request holds the lock."""

        def parse(replies: list[Any]) -> tuple[Lookup, bool]:
            values = parse_values(replies[0], 3)
            return Lookup.parse(key.entry, values, lookup.lock_key), values[2] is not None

        return self.run(parse, lambda: [("MGET", key.generation, key.entry, lookup.lock_key)])

    def set(self, key: CacheKey, lookup: Lookup, entry: Entry) -> None:
        """Store the entry and release the lock."""

        def parse(replies: list[Any]) -> None:
            expect(replies[0], b"OK")
            parse_integer(replies[1])

        expire_ms = int(STALE_IF_ERROR_SECONDS * 1000)
        value = encode(entry)
        self.run(parse, lambda: [("SET", key.entry, value, "PX", expire_ms), ("DEL", lookup.lock_key)])

    def unlock(self, lookup: Lookup) -> None:
        """Release the lock."""
        self.run(lambda replies: parse_integer(replies[0]), lambda: [("DEL", lookup.lock_key)])

    def invalidate(self, name: str) -> None:
        """Invalidate every entry. Call it after a write is stored and before the response is sent.

        If Redis fails, this process retries before its next lookup and bypasses the cache until that
        succeeds. Other processes may serve old entries for up to TTL_SECONDS.
        """
        try:
            self._change_generation(name)
        except CacheUnavailable as error:
            with self._lock:
                self._pending_invalidations[name] = object()
            log.error("cache: invalidating %s failed, other processes may serve old data: %s", name, error)  # noqa: TRY400

    def _retry_invalidation(self, name: str) -> None:
        """Retry a failed invalidation."""
        pending = self._pending_invalidations.get(name)
        if pending is None:
            return
        self._change_generation(name)
        with self._lock:
            if self._pending_invalidations.get(name) is pending:  # otherwise another one has failed since
                del self._pending_invalidations[name]

    def _change_generation(self, name: str) -> None:
        """Delete the generation of every shard and set a new one, in one round trip.

        DEL works even when SET fails because memory is full.
        """
        keys = [generation_key(tag) for tag in self.hash_tags(name)]

        def commands() -> list[Command]:
            pairs = ((("DEL", key), ("SET", key, self._new_generation())) for key in keys)
            return [command for pair in pairs for command in pair]

        self.run(parse_invalidation, commands, bypass_open_circuit=True)

    def _new_generation(self) -> str:
        return f"{self.now():.3f}-{secrets.token_hex(8)}"

    def run(
        self,
        parse: Callable[[list[Any]], T],
        commands: Callable[[], list[Command]],
        *,
        bypass_open_circuit: bool = False,
    ) -> T:
        """Send commands in one round trip, guarded by the circuit breaker, and return the parsed replies."""
        try:
            with self._breaker.guard(bypass_open_circuit=bypass_open_circuit):
                return retry_once(lambda: self._redis.execute(parse, *commands()))
        except Exception as error:  # no error of the cache may fail a request
            request_context().increment("cache_unavailable", once=True)
            if isinstance(error, NON_FAILURES):
                self._log_throttled(error)
            raise CacheUnavailable(str(error)) from error

    def _log_throttled(self, error: Exception) -> None:
        """Log an error, at most once per LOG_INTERVAL_SECONDS."""
        if abs(self.now() - self._logged_at) > LOG_INTERVAL_SECONDS:
            self._logged_at = self.now()
            log.warning("redis: request continues without Redis: %s", error)
