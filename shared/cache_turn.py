"""Whose turn it is to load an answer: one request loads, the others get what there is or wait a little."""

import time

from shared.cache_store import CacheKey, CacheStore, Lookup

WAIT_SECONDS = 0.2
WAIT_STEP_SECONDS = 0.01
"""How long to wait for another request that loads the same answer, and how often to look for it."""


def acquire_or_wait(store: CacheStore, key: CacheKey) -> tuple[Lookup, bool]:
    """What there is, and whether it is our turn to load nonetheless.

    Where it is not and there is nothing fresh either, the wait was in vain, and everybody loads.

    Raises:
        CacheUnavailable: Redis can't be had.
    """
    lookup = store.get(key)
    if _will_do(store, lookup):
        return lookup, False
    lookup, is_ours = store.try_lock(key, lookup)
    if is_ours and _will_do(store, lookup):  # the one before us finished between our two looks
        store.unlock(lookup)
        return lookup, False
    if is_ours or _is_fresh(store, lookup):
        return lookup, is_ours
    return _wait(store, key, lookup), False


def _wait(store: CacheStore, key: CacheKey, lookup: Lookup) -> Lookup:
    """Wait until somebody has loaded the answer, or gave up, or takes too long."""
    generation = lookup.generation
    for _ in range(round(WAIT_SECONDS / WAIT_STEP_SECONDS)):
        time.sleep(WAIT_STEP_SECONDS)
        lookup, is_loading = store.poll(key, lookup)
        if _is_fresh(store, lookup) or not is_loading or lookup.generation != generation:
            break
    return lookup


def _will_do(store: CacheStore, lookup: Lookup) -> bool:
    return lookup.entry is not None and not lookup.entry.needs_refresh(store.now())


def _is_fresh(store: CacheStore, lookup: Lookup) -> bool:
    return lookup.entry is not None and lookup.entry.is_fresh(store.now())
