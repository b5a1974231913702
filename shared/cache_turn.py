"""Whose turn it is to load an answer: one request loads, the others get what there is or wait a little."""

import time

from shared.cache_store import CacheStore, Found, Place

WAIT_SECONDS = 0.2
WAIT_STEP_SECONDS = 0.01
"""How long to wait for another request that loads the same answer, and how often to look for it."""


def take_turn(store: CacheStore, place: Place) -> tuple[Found, bool]:
    """What there is, and whether it is our turn to load nonetheless.

    Where it is not and there is nothing fresh either, the wait was in vain, and everybody loads.

    Raises:
        CacheDown: Redis can't be had.
    """
    found = store.look(place)
    if _will_do(store, found):
        return found, False
    found, is_ours = store.reserve(place, found)
    if is_ours and _will_do(store, found):  # the one before us finished between our two looks
        store.release(found)
        return found, False
    if is_ours or _is_fresh(store, found):
        return found, is_ours
    return _wait(store, place, found), False


def _wait(store: CacheStore, place: Place, found: Found) -> Found:
    """Wait until somebody has loaded the answer, or gave up, or takes too long."""
    generation = found.generation
    for _ in range(round(WAIT_SECONDS / WAIT_STEP_SECONDS)):
        time.sleep(WAIT_STEP_SECONDS)
        found, is_loading = store.watch(place, found)
        if _is_fresh(store, found) or not is_loading or found.generation != generation:
            break
    return found


def _will_do(store: CacheStore, found: Found) -> bool:
    return found.entry is not None and not found.entry.is_due(store.now())


def _is_fresh(store: CacheStore, found: Found) -> bool:
    return found.entry is not None and found.entry.is_fresh(store.now())
