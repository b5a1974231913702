"""Verification of bearer tokens: JSON Web Tokens of one issuer (RFC 7519, RFC 8725, RFC 9068)."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from jwt import PyJWK, PyJWT, get_unverified_header
from jwt.exceptions import (
    ExpiredSignatureError,
    InvalidAudienceError,
    InvalidKeyError,
    InvalidSignatureError,
    InvalidTokenError,
    PyJWTError,
)

from shared.auth.jwks import Jwks
from shared.config.auth import AuthSettings
from shared.errors import Unauthenticated

log = logging.getLogger(__name__)

ALGORITHMS = ["RS256"]
"""The only one: a token does not get to choose (RFC 8725, section 3.1)."""

REQUIRED_CLAIMS = ["exp", "iat", "iss", "sub"]
LEEWAY_SECONDS = 30
"""The greatest difference between the issuer's clock and this one."""


class Verifier:
    """Verifies the tokens of one issuer."""

    def __init__(self, settings: AuthSettings, jwks: Jwks | None = None) -> None:
        self._settings = settings
        self._jwks = jwks or Jwks(settings.jwks)
        self._jwt = PyJWT({"enforce_minimum_key_length": True})

    def claims(self, token: str, scope: str) -> Mapping[str, Any]:
        """Return the claims of a valid token.

        Args:
            token: the token as the client sent it.
            scope: the scope that the challenge of a refusal names.

        Raises:
            Unauthenticated: the token is invalid, expired, or made for another audience.
            Unavailable: the issuer's keys are unavailable.
        """
        try:
            return self._verify(token)
        except ExpiredSignatureError:
            raise Unauthenticated("The token has expired.", scope, "invalid_token") from None
        except PyJWTError as error:
            # The class only: the texts of some errors quote the token.
            log.info("a token was refused: %s", type(error).__name__)
            raise Unauthenticated("The token is not valid here.", scope, "invalid_token") from None

    def _verify(self, token: str) -> Mapping[str, Any]:
        """Try every key with the token's key id: an issuer may have two keys with one id."""
        error: PyJWTError = InvalidTokenError()
        for key in self._jwks.find(_key_id(token)) or ():
            try:
                return self._decode(token, key)
            except (InvalidSignatureError, InvalidKeyError) as failure:
                error = failure
        raise error

    def _decode(self, token: str, key: PyJWK) -> Mapping[str, Any]:
        settings = self._settings
        has_aud = settings.audience_claim == "aud"
        claims: dict[str, Any] = self._jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=settings.audience if has_aud else None,  # PyJWT then refuses a token that has an `aud`
            issuer=settings.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED_CLAIMS},
        )
        if not has_aud and not _is_access_token_for(settings.audience, claims):
            raise InvalidAudienceError
        return claims


def _is_access_token_for(client_id: str, claims: Mapping[str, Any]) -> bool:
    # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    return claims.get("client_id") == client_id and claims.get("token_use") == "access"


def _key_id(token: str) -> str:
    """Return the key id in a token's header.

    Raises:
        InvalidTokenError: the token cannot be valid, whatever its key; nothing is fetched for it.
    """
    if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token, re.ASCII):
        raise InvalidTokenError
    header = get_unverified_header(token)
    key_id: str = header.get("kid", "")
    if not key_id or header.get("alg") not in ALGORITHMS:
        raise InvalidTokenError
    return key_id
