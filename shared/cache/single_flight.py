"""Single flight: one request loads a response while the others use the existing entry or wait briefly."""

import time

from shared.cache.entry import Lookup
from shared.cache.keys import CacheKey
from shared.cache.store import CacheStore

MAX_WAIT_SECONDS = 0.2
POLL_INTERVAL_SECONDS = 0.01
"""Maximum time and interval of polling for an entry that another request loads."""


def acquire_or_wait(store: CacheStore, key: CacheKey) -> tuple[Lookup, bool]:
    """Return the lookup, and True if this request holds the lock and must load the entry.

    If the lookup has no fresh entry and False is returned, the wait timed out and the request must load too.

    Raises:
        CacheUnavailable: Redis is unavailable.
    """
    lookup = store.get(key)
    if _is_sufficient(store, lookup):
        return lookup, False
    lookup, has_lock = store.try_lock(key, lookup)
    if has_lock and _is_sufficient(store, lookup):  # another request stored it between the two lookups
        store.unlock(lookup)
        return lookup, False
    if has_lock or _is_fresh(store, lookup):
        return lookup, has_lock
    return _wait(store, key, lookup), False


def _wait(store: CacheStore, key: CacheKey, lookup: Lookup) -> Lookup:
    """Poll until the entry is stored, the lock is released, a write happens, or MAX_WAIT_SECONDS pass."""
    generation = lookup.generation
    for _ in range(round(MAX_WAIT_SECONDS / POLL_INTERVAL_SECONDS)):
        time.sleep(POLL_INTERVAL_SECONDS)
        lookup, is_locked = store.poll(key, lookup)
        if _is_fresh(store, lookup) or not is_locked or lookup.generation != generation:
            break
    return lookup


def _is_sufficient(store: CacheStore, lookup: Lookup) -> bool:
    return lookup.entry is not None and not lookup.entry.needs_refresh(store.now())


def _is_fresh(store: CacheStore, lookup: Lookup) -> bool:
    return lookup.entry is not None and lookup.entry.is_fresh(store.now())
