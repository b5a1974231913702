"""The cache in Redis: its keys, the generation, the entries, and the leases of those who load.

Keys carry a hash tag, `{news}:...`, so that all of a module lie on one node of a cluster.

    {news}:g                            generation: what every write changes, to a new random value
    {news}:show:<digest>                entry: an answer, with the generation read before its data was loaded
    {news}:show:<digest>:<generation>:<time>    lease: somebody reloads the entry of that time
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from redis import Redis
from redis.exceptions import MaxConnectionsError, ResponseError

from shared.cache_entry import KEPT_SECONDS, Entry, Generation, decode, encode
from shared.circuit_breaker import CircuitBreaker
from shared.observed import observed
from shared.redis_client import Reader, twice

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE_SECONDS = 1.0
"""A loader that takes longer, or died, is not alone any more."""

COMPLAINT_SECONDS = 10.0
"""The least time between two lines of the log about such errors as come with every request."""

HARMLESS = (MaxConnectionsError, ResponseError)
"""Errors that don't say that Redis is out of reach."""


class CacheDown(Exception):
    """Redis can't be had, or refuses; the request goes on without."""


class Place(NamedTuple):
    """Where an answer is kept: whose generation it shares, and its own key."""

    name: str
    key: str


class Found(NamedTuple):
    """What is known of a place: the current generation, and the entry if it is of that one.

    `lease` is the key under which somebody may be loading it.
    """

    generation: Generation | None
    entry: Entry | None
    lease: str


class CacheStore:
    """Access to the cache; safe with threads.

    Every method but `invalidate` raises `CacheDown` where Redis is out of reach, too slow or refuses.

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
        self._breaker = breaker or CircuitBreaker(*HARMLESS)
        self.stage = stage
        self.now = now
        self._lock = Lock()
        self._lost: dict[str, object] = {}
        self._complained_at = 0.0

    def ping(self) -> None:
        """Find out whether Redis answers, whatever was known of it; raises redis-py's errors."""
        twice(self._redis.ping)

    def look(self, place: Place) -> Found:
        """What is there: one round trip."""
        self._make_up(place.name)
        values = self._run(lambda: self._reader.mget(_generation_key(place), place.key))
        return self._found(place, values)

    def reserve(self, place: Place, found: Found) -> tuple[Found, bool]:
        """Try to become the loader of a place, and look again: somebody may have loaded it by now.

        Where the generation is missing this makes a new one, so that the entries of the past stay void.
        """

        def ask() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(_generation_key(place), self._new_generation(), nx=True)
            pipe.set(found.lease, b"", nx=True, px=int(LEASE_SECONDS * 1000))
            pipe.mget(_generation_key(place), place.key)
            return pipe.execute()

        _, is_ours, values = self._run(ask)
        found = self._found(place, values)._replace(lease=found.lease)
        if found.generation is None:
            self._change_generation(place.name)
            raise CacheDown("the generation was damaged")
        return found, bool(is_ours)

    def watch(self, place: Place, found: Found) -> tuple[Found, bool]:
        """Look again, and say whether somebody is still loading."""
        values = self._run(lambda: self._reader.mget(_generation_key(place), place.key, found.lease))
        return self._found(place, values)._replace(lease=found.lease), values[2] is not None

    def put(self, place: Place, found: Found, entry: Entry) -> None:
        """Store an entry, and end the lease."""

        def send() -> None:
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(place.key, encode(entry), px=int(KEPT_SECONDS * 1000))
            pipe.delete(found.lease)
            pipe.execute()

        self._run(send)

    def release(self, found: Found) -> None:
        """End a lease."""
        self._run(lambda: self._redis.delete(found.lease))

    def invalidate(self, name: str) -> None:
        """Make every entry void: to be called after a commit, and before it is acknowledged.

        Where that fails, this process doesn't use the cache again until it has made up for it. Others may
        answer from entries of before, though from none that is older than FRESH_SECONDS.
        """
        try:
            self._change_generation(name)
        except CacheDown as error:
            with self._lock:
                self._lost[name] = object()
            log.error("cache: a write to %s did not void the old entries: %s", name, error)  # noqa: TRY400

    def _make_up(self, name: str) -> None:
        """Do what `invalidate` could not."""
        lost = self._lost.get(name)
        if lost is None:
            return
        self._change_generation(name)
        with self._lock:
            if self._lost.get(name) is lost:  # else another one was lost meanwhile
                del self._lost[name]

    def _change_generation(self, name: str) -> None:
        def send() -> None:
            pipe = self._redis.pipeline(transaction=False)
            pipe.delete(f"{{{name}}}:g")  # works where memory is short and SET does not
            pipe.set(f"{{{name}}}:g", self._new_generation())
            deleted, _ = pipe.execute(raise_on_error=False)
            if isinstance(deleted, Exception):
                raise deleted

        self._run(send, matters=True)

    def _new_generation(self) -> str:
        return f"{self.now():.3f}-{secrets.token_hex(8)}"

    def _found(self, place: Place, values: Sequence[Any]) -> Found:
        generation = Generation.parse(values[0])
        entry = decode(values[1], generation)
        began = entry.about.began if entry else 0
        return Found(generation, entry, f"{place.key}:{generation and generation.value.decode()}:{began}")

    def _run(self, act: Callable[[], T], *, matters: bool = False) -> T:
        try:
            with self._breaker.guard(matters=matters):
                return twice(act)
        except Exception as error:  # whatever it is, the request must go on
            observed().meet("cache_down", once=True)
            if isinstance(error, HARMLESS):
                self._complain(error)
            raise CacheDown(str(error)) from error

    def _complain(self, error: Exception) -> None:
        """Log what may come with every request, but not that often."""
        if self.now() - self._complained_at > COMPLAINT_SECONDS:
            self._complained_at = self.now()
            log.warning("redis: not used for a request: %s", error)


def _generation_key(place: Place) -> str:
    return f"{{{place.name}}}:g"
