"""The issuer's public keys, a JSON Web Key Set (RFC 7517), cached and refreshed in the background.

Times are wall clock times, because CLOCK_MONOTONIC stops while a Lambda environment is frozen. A time in the
future (after the clock was set back) counts as long ago.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from shared.auth.jwks_fetch import JWKS_FETCH_SECONDS, fetch_jwks
from shared.errors import Unavailable

log = logging.getLogger(__name__)

JWKS_REFRESH_SECONDS = 3300.0
"""Age from which keys are refreshed in the background."""

JWKS_TTL_SECONDS = 3600.0
"""Age from which requests wait for the refresh, so that a revoked key expires."""

JWKS_MAX_STALE_SECONDS = 24 * 3600.0
"""Maximum age of keys in use while the issuer is unreachable."""

JWKS_COOLDOWN_SECONDS = 30.0
"""Minimum time between two fetches, since any client can send unknown key ids."""

JWKS_EMPTY_COOLDOWN_SECONDS = 5.0
"""Minimum time between two fetches while the cache is empty."""

JWKS_OUTAGE_SECONDS = 300.0
"""Time after a failed refresh in which requests with known keys do not wait for the next refresh."""

JWKS_WAIT_SECONDS = JWKS_FETCH_SECONDS + 0.5
"""Maximum time that a request waits for a refresh."""

Keys = Mapping[str, list[PyJWK]]


@dataclass(frozen=True, slots=True)
class _Refresh:
    """A refresh in progress. `is_regular`: the age of the keys started it, not an unknown key id."""

    started_at: float
    is_regular: bool
    done: Event = field(default_factory=Event)


class Jwks:
    """The keys of one issuer, by key id.

    Unknown key ids and the age of the keys start refreshes independently, each with its own cooldown. So
    requests with unknown ids cannot delay the refresh that removes a revoked key.
    """

    def __init__(
        self,
        location: str,
        fetch: Callable[[str], bytes] = fetch_jwks,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._location = location
        self._fetch = fetch
        self._now = now
        self._lock = Lock()  # held for comparisons and assignments only
        self._keys: Keys = {}
        self._refresh: _Refresh | None = None
        self._fetched_at = self._attempted_at = self._regular_attempt_at = -math.inf

    def find(self, key_id: str) -> list[PyJWK] | None:
        """Return the keys with this id, or None.

        Known keys younger than JWKS_TTL_SECONDS are returned immediately. Otherwise all callers wait for
        the same refresh, at most JWKS_WAIT_SECONDS.

        Raises:
            Unavailable: The cache is empty.
        """
        if refresh := self._refresh_to_await(key_id):
            refresh.done.wait(JWKS_WAIT_SECONDS)
        keys = self._usable_keys()
        if not keys:
            raise Unavailable("The issuer's keys are unavailable. Try again later.")
        return keys.get(key_id)

    def _refresh_to_await(self, key_id: str) -> _Refresh | None:
        with self._lock:
            is_known = key_id in self._usable_keys()
            if self._refresh and not self._is_running(self._refresh):
                self._end(self._refresh, self._refresh.started_at)
            if self._refresh is None and self._is_due(is_known=is_known):
                self._refresh = _Refresh(self._now(), is_regular=is_known)
                run = copy_context().run
                Thread(target=run, args=(self._run, self._refresh), daemon=True).start()
            return self._refresh if not is_known or self._is_overdue() else None

    def _is_due(self, *, is_known: bool) -> bool:
        if is_known:
            is_old = self._seconds_since(self._fetched_at) >= JWKS_REFRESH_SECONDS
            return is_old and self._seconds_since(self._regular_attempt_at) >= JWKS_COOLDOWN_SECONDS
        cooldown = JWKS_COOLDOWN_SECONDS if self._usable_keys() else JWKS_EMPTY_COOLDOWN_SECONDS
        return self._seconds_since(self._attempted_at) >= cooldown

    def _is_overdue(self) -> bool:
        """Return whether known keys must wait for a refresh. They do not during an outage of the issuer."""
        is_old = self._seconds_since(self._fetched_at) > JWKS_TTL_SECONDS
        return is_old and self._seconds_since(self._regular_attempt_at) > JWKS_OUTAGE_SECONDS

    def _is_running(self, refresh: _Refresh) -> bool:
        """Return whether a refresh is current. It is not if its environment was frozen since it started."""
        is_recent = self._seconds_since(refresh.started_at) <= 2 * JWKS_WAIT_SECONDS
        return refresh is self._refresh and is_recent

    def _usable_keys(self) -> Keys:
        return self._keys if self._now() - self._fetched_at <= JWKS_MAX_STALE_SECONDS else {}

    def _seconds_since(self, timestamp: float) -> float:
        seconds = self._now() - timestamp
        return seconds if seconds >= 0 else math.inf

    def _run(self, refresh: _Refresh) -> None:
        keys = None
        try:
            keys = parse_jwks(self._fetch(self._location))
        except Exception as error:  # noqa: BLE001  # the cached keys stay in use, whatever the issuer sends
            reason = str(error) or type(error).__name__
            log.error("AUTH_JWKS: cannot read the key set: %s", reason)  # noqa: TRY400  # one line is enough
        if keys == {}:
            log.error("AUTH_JWKS: the key set contains no RSA signature key")
        with self._lock:
            if self._is_running(refresh):
                self._store(refresh, keys)
        refresh.done.set()

    def _store(self, refresh: _Refresh, keys: Keys | None) -> None:
        now = self._now()
        self._fetched_at = min(self._fetched_at, now)
        if keys is not None:
            self._keys, self._fetched_at = keys, refresh.started_at
        self._end(refresh, now)

    def _end(self, refresh: _Refresh, timestamp: float) -> None:
        """End the refresh. The cooldowns start at this time."""
        self._attempted_at = timestamp
        if refresh.is_regular:
            self._regular_attempt_at = timestamp
        self._refresh = None


class _Jwk(msgspec.Struct):
    """The members of an RSA key that the app reads (RFC 7517, section 4; RFC 7518, section 6.3.1)."""

    kty: str
    kid: str
    n: str
    e: str
    use: str | None = None
    alg: str | None = None
    key_ops: list[str] | None = None


class _JwkSet(msgspec.Struct):
    keys: list[Any]


def parse_jwks(text: bytes) -> dict[str, list[PyJWK]]:
    """Return the RSA signature keys, by key id. Other keys are skipped (RFC 7517, section 5).

    So are keys without an id, since no token can name them.

    Raises:
        ValueError: The text is not a JSON Web Key Set.
        RecursionError: The JSON is nested too deeply.
    """
    document = json.loads(text, parse_int=float)  # int() raises for long numbers, which no key needs
    keys: dict[str, list[PyJWK]] = {}
    for item in msgspec.convert(document, _JwkSet).keys:
        try:
            jwk = msgspec.convert(item, _Jwk)
            key = PyJWK({"kty": jwk.kty, "n": jwk.n, "e": jwk.e}, "RS256")
        except (ValueError, PyJWTError):
            continue
        if jwk.kid and _verifies_rs256(jwk):
            keys.setdefault(jwk.kid, []).append(key)
    return keys


def _verifies_rs256(jwk: _Jwk) -> bool:
    is_for_signatures = jwk.use in {None, "sig"} and (jwk.key_ops is None or "verify" in jwk.key_ops)
    return is_for_signatures and jwk.alg in {None, "RS256"}
