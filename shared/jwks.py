"""The issuer's public keys: a JSON Web Key Set (RFC 7517) in a file or behind a URL, kept for a while."""

import logging
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

from shared.errors import Unavailable
from shared.tracing import trace_headers

log = logging.getLogger(__name__)

REFRESH_SECONDS = 60.0
"""An unknown key id fetches the keys again, at most this often: anybody can send unknown ones."""

RETRY_SECONDS = 5.0
"""The pause between tries as long as there are no keys at all: a fetch that fails takes a while."""

FRESH_SECONDS = 3600.0
"""Keys older than this are fetched again, so that one that was withdrawn ends."""

KEPT_SECONDS = 24 * 3600.0
"""How long keys count while their issuer is out of reach."""

TIMEOUT_SECONDS = 2.0
"""For a fetch as a whole, and for each step of it."""

MAX_BYTES = 256 * 1024


class Jwks:
    """The keys by their ids. A key without an id is not used: nothing would say which one a token means."""

    def __init__(
        self,
        place: str,
        fetch: Callable[[str], bytes] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._fetch = fetch or fetch_jwks
        self._now = now
        self._lock = Lock()
        self._keys: Mapping[str, Any] = {}
        self._fetched = self._next_fetch = float("-inf")

    def find(self, key_id: str | None) -> Any:
        """The key of that id, or None.

        Raises:
            Unavailable: there are no keys to look in.
        """
        with self._lock:
            age = self._now() - self._fetched
            if key_id not in self._keys or age > FRESH_SECONDS:
                self._refresh()
            if not self._keys:
                raise Unavailable("The keys that tokens are verified with are out of reach; try again later.")
            return self._keys.get(key_id or "")

    def _refresh(self) -> None:
        now = self._now()
        if now < self._next_fetch:
            return
        try:
            self._keys, self._fetched = _keys(self._fetch(self._place)), now
        except (OSError, HTTPException, ValueError, PyJWTError) as error:
            log.error("the keys at AUTH_JWKS can't be had: %s", error)  # noqa: TRY400  # one line is enough
            if now - self._fetched > KEPT_SECONDS:
                self._keys = {}
        self._next_fetch = now + (REFRESH_SECONDS if self._keys else RETRY_SECONDS)


def fetch_jwks(place: str) -> bytes:
    """Read a key set from a file, or from an http or https URL, within the time limit.

    Raises:
        OSError: it can't be had, or not in time.
    """
    if not place.startswith(("http://", "https://")):
        return Path(place).read_bytes()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    found = b""
    request = Request(place, headers=trace_headers())  # noqa: S310  # http or https, as asked above
    with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
        while part := answer.read1(MAX_BYTES):
            found += part
            if time.monotonic() > deadline or len(found) > MAX_BYTES:
                raise TimeoutError("the answer is too slow or too long")
    return found


class _NoRedirect(HTTPRedirectHandler):
    """Keys come from where the settings say, and not from where that place sends us."""

    def redirect_request(self, *_: Any) -> None:
        """Let urllib raise what it raises for any other status than 200."""


class _Key(msgspec.Struct):
    """What is read of a key; one without `use` or `alg` is for anything that its kind can do."""

    kty: str
    kid: str = ""
    use: str = "sig"
    alg: str = "RS256"
    n: str = ""
    e: str = ""


class _KeySet(msgspec.Struct):
    keys: list[_Key]


def _keys(text: bytes) -> dict[str, Any]:
    """The RSA keys for signatures; those of other kinds are none of ours."""
    return {
        key.kid: RSAAlgorithm.from_jwk({"kty": "RSA", "n": key.n, "e": key.e})
        for key in msgspec.json.decode(text, type=_KeySet).keys
        if (key.kty, key.use, key.alg) == ("RSA", "sig", "RS256") and key.kid
    }
