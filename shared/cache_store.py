"""The cache in Redis: its keys, the generation, the entries, and the locks of those who load.

Keys carry a hash tag, `{news}:...`, so that all of a module lie on one node of a cluster.

    {news}:g                            generation: what every write changes, to a new random value
    {news}:show:<digest>                entry: an answer, with the generation read before its data was loaded
    {news}:show:<digest>:<generation>:<time>    lock: somebody reloads the entry of that time
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from redis import Redis
from redis.exceptions import MaxConnectionsError, ResponseError

from shared.cache_entry import STALE_IF_ERROR_SECONDS, Entry, Generation, decode, encode
from shared.circuit_breaker import CircuitBreaker
from shared.observed import observed
from shared.redis_client import Reader, retry_once

log = logging.getLogger(__name__)

T = TypeVar("T")

LOCK_SECONDS = 1.0
"""A loader that takes longer, or died, is not alone any more."""

LOG_INTERVAL_SECONDS = 10.0
"""The least time between two lines of the log about such errors as come with every request."""

NON_FAILURES = (MaxConnectionsError, ResponseError)
"""Errors that don't say that Redis is out of reach."""


class CacheUnavailable(Exception):
    """Redis can't be had, or refuses; the request goes on without."""


class CacheKey(NamedTuple):
    """Where an answer is kept: whose generation it shares, and its own key."""

    name: str
    key: str


class Lookup(NamedTuple):
    """What is known of a key: the current generation, and the entry if it is of that one.

    `lock_key` is the key under which somebody may be loading it.
    """

    generation: Generation | None
    entry: Entry | None
    lock_key: str


class CacheStore:
    """Access to the cache; safe with threads.

    Every method but `invalidate` raises `CacheUnavailable` where Redis is out of reach, too slow or refuses.

    Args:
        redis: the client.
        stage: whose answers these are; others may share the Redis.
        now: tells the time, in Unix seconds.
        breaker: guards every call.
    """

    def __init__(
        self,
        redis: Redis,
        stage: str,
        now: Callable[[], float] = time.time,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._redis = redis
        self._reader = Reader(redis)
        self._breaker = breaker or CircuitBreaker(*NON_FAILURES)
        self.stage = stage
        self.now = now
        self._lock = Lock()
        self._pending_invalidations: dict[str, object] = {}
        self._logged_at = 0.0

    def ping(self) -> None:
        """Find out whether Redis answers, whatever was known of it; raises redis-py's errors."""
        retry_once(self._redis.ping)

    def get(self, key: CacheKey) -> Lookup:
        """What is there: one round trip."""
        self._retry_invalidation(key.name)
        values = self._run(lambda: self._reader.mget(_generation_key(key), key.key))
        return self._lookup(key, values)

    def try_lock(self, key: CacheKey, lookup: Lookup) -> tuple[Lookup, bool]:
        """Try to become the loader of a key, and look again: somebody may have loaded it by now.

        Where the generation is missing this makes a new one, so that the entries of the past stay void.
        """

        def ask() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(_generation_key(key), self._new_generation(), nx=True)
            pipe.set(lookup.lock_key, b"", nx=True, px=int(LOCK_SECONDS * 1000))
            pipe.mget(_generation_key(key), key.key)
            return pipe.execute()

        _, is_ours, values = self._run(ask)
        lookup = self._lookup(key, values)._replace(lock_key=lookup.lock_key)
        if lookup.generation is None:
            self._change_generation(key.name)
            raise CacheUnavailable("the generation was damaged")
        return lookup, bool(is_ours)

    def poll(self, key: CacheKey, lookup: Lookup) -> tuple[Lookup, bool]:
        """Look again, and say whether somebody is still loading."""
        values = self._run(lambda: self._reader.mget(_generation_key(key), key.key, lookup.lock_key))
        return self._lookup(key, values)._replace(lock_key=lookup.lock_key), values[2] is not None

    def set(self, key: CacheKey, lookup: Lookup, entry: Entry) -> None:
        """Store an entry, and end the lock."""

        def send() -> None:
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(key.key, encode(entry), px=int(STALE_IF_ERROR_SECONDS * 1000))
            pipe.delete(lookup.lock_key)
            pipe.execute()

        self._run(send)

    def unlock(self, lookup: Lookup) -> None:
        """End a lock."""
        self._run(lambda: self._redis.delete(lookup.lock_key))

    def invalidate(self, name: str) -> None:
        """Make every entry void: to be called after a commit, and before it is acknowledged.

        Where that fails, this process doesn't use the cache again until it has made up for it. Others may
        answer from entries of before, though from none that is older than TTL_SECONDS.
        """
        try:
            self._change_generation(name)
        except CacheUnavailable as error:
            with self._lock:
                self._pending_invalidations[name] = object()
            log.error("cache: a write to %s did not void the old entries: %s", name, error)  # noqa: TRY400

    def _retry_invalidation(self, name: str) -> None:
        """Do what `invalidate` could not."""
        pending = self._pending_invalidations.get(name)
        if pending is None:
            return
        self._change_generation(name)
        with self._lock:
            if self._pending_invalidations.get(name) is pending:  # else another one was lost meanwhile
                del self._pending_invalidations[name]

    def _change_generation(self, name: str) -> None:
        def send() -> None:
            pipe = self._redis.pipeline(transaction=False)
            pipe.delete(f"{{{name}}}:g")  # works where memory is short and SET does not
            pipe.set(f"{{{name}}}:g", self._new_generation())
            deleted, _ = pipe.execute(raise_on_error=False)
            if isinstance(deleted, Exception):
                raise deleted

        self._run(send, bypass_open_circuit=True)

    def _new_generation(self) -> str:
        return f"{self.now():.3f}-{secrets.token_hex(8)}"

    def _lookup(self, key: CacheKey, values: Sequence[Any]) -> Lookup:
        generation = Generation.parse(values[0])
        entry = decode(values[1], generation)
        loaded_at = entry.metadata.loaded_at if entry else 0
        return Lookup(generation, entry, f"{key.key}:{generation and generation.value.decode()}:{loaded_at}")

    def _run(self, act: Callable[[], T], *, bypass_open_circuit: bool = False) -> T:
        try:
            with self._breaker.guard(bypass_open_circuit=bypass_open_circuit):
                return retry_once(act)
        except Exception as error:  # whatever it is, the request must go on
            observed().meet("cache_down", once=True)
            if isinstance(error, NON_FAILURES):
                self._log_throttled(error)
            raise CacheUnavailable(str(error)) from error

    def _log_throttled(self, error: Exception) -> None:
        """Log what may come with every request, but not that often."""
        if self.now() - self._logged_at > LOG_INTERVAL_SECONDS:
            self._logged_at = self.now()
            log.warning("redis: not used for a request: %s", error)


def _generation_key(key: CacheKey) -> str:
    return f"{{{key.name}}}:g"
