"""Single flight: one request loads a response, the others use the entry there is, or wait a little."""

import time

from shared.cache.entry import Lookup
from shared.cache.keys import CacheKey
from shared.cache.store import CacheStore

WAIT_SECONDS = 0.2
WAIT_STEP_SECONDS = 0.01
"""How long to wait for another request that loads the same response, and how often to look for it."""


def acquire_or_wait(store: CacheStore, key: CacheKey) -> tuple[Lookup, bool]:
    """Return what is stored, and whether this request has the lock and must load.

    Without the lock and without a fresh entry the wait was in vain, and every request loads.

    Raises:
        CacheUnavailable: Redis can't be used.
    """
    lookup = store.get(key)
    if _is_sufficient(store, lookup):
        return lookup, False
    lookup, has_lock = store.try_lock(key, lookup)
    if has_lock and _is_sufficient(store, lookup):  # another loader finished between the two lookups
        store.unlock(lookup)
        return lookup, False
    if has_lock or _is_fresh(store, lookup):
        return lookup, has_lock
    return _wait(store, key, lookup), False


def _wait(store: CacheStore, key: CacheKey, lookup: Lookup) -> Lookup:
    """Wait until the loader has stored the response, has given up, or takes too long."""
    generation = lookup.generation
    for _ in range(round(WAIT_SECONDS / WAIT_STEP_SECONDS)):
        time.sleep(WAIT_STEP_SECONDS)
        lookup, is_loading = store.poll(key, lookup)
        if _is_fresh(store, lookup) or not is_loading or lookup.generation != generation:
            break
    return lookup


def _is_sufficient(store: CacheStore, lookup: Lookup) -> bool:
    return lookup.entry is not None and not lookup.entry.needs_refresh(store.now())


def _is_fresh(store: CacheStore, lookup: Lookup) -> bool:
    return lookup.entry is not None and lookup.entry.is_fresh(store.now())
