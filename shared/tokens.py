"""Bearer tokens: whether one was signed by the issuer, for us, and is still good (RFC 7519, RFC 9068)."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from jwt import ExpiredSignatureError, PyJWT, get_unverified_header
from jwt.exceptions import InvalidTokenError, PyJWTError

from shared.auth_config import AuthSettings
from shared.errors import Unauthenticated
from shared.jwks import Jwks

log = logging.getLogger(__name__)

ALGORITHMS = ["RS256"]
"""The only one: a token does not get to choose (RFC 8725, section 3.1)."""

REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
LEEWAY_SECONDS = 30
"""By how much the issuer's clock and ours may differ."""


class Verifier:
    """Verifies tokens of one issuer."""

    def __init__(self, settings: AuthSettings, keys: Jwks | None = None) -> None:
        self._settings = settings
        self._keys = keys or Jwks(settings.jwks)
        self._jwt = PyJWT({"enforce_minimum_key_length": True})

    def claims(self, token: str, scope: str) -> Mapping[str, Any]:
        """What a token says about its bearer.

        Args:
            token: as sent.
            scope: what a better token would have to grant, for the answer to a bad one.

        Raises:
            Unauthenticated: it isn't one of the issuer's for us, or not any more.
            Unavailable: the issuer's keys can't be had.
        """
        try:
            return self._verified(token)
        except ExpiredSignatureError:
            raise Unauthenticated("The token has expired.", scope, "invalid_token") from None
        except PyJWTError as error:
            # Its kind only: the texts of some quote the token.
            log.info("a token was refused: %s", type(error).__name__)
            raise Unauthenticated("The token is not valid here.", scope, "invalid_token") from None

    def _verified(self, token: str) -> dict[str, Any]:
        if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token, re.ASCII):
            raise InvalidTokenError
        key = self._keys.find(get_unverified_header(token).get("kid"))
        if key is None:
            raise InvalidTokenError
        verified: dict[str, Any] = self._jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
        return verified
