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
"""Accepted algorithms, whatever the token asks for (RFC 8725, section 3.1)."""

REQUIRED_CLAIMS = ["exp", "iat", "iss", "sub"]
LEEWAY_SECONDS = 30
"""Maximum difference between the issuer's clock and the local clock."""


class Verifier:
    """Verifies the tokens of one issuer."""

    def __init__(self, settings: AuthSettings, jwks: Jwks | None = None) -> None:
        self._settings = settings
        self._jwks = jwks or Jwks(settings.jwks)
        self._jwt = PyJWT({"enforce_minimum_key_length": True})

    def claims(self, token: str, scope: str) -> Mapping[str, Any]:
        """Return the claims of a valid token.

        Args:
            token: The token as the client sent it.
            scope: The scope to name in the WWW-Authenticate header of an error response.

        Raises:
            Unauthenticated: The token is invalid, expired, or issued for another audience.
            Unavailable: The issuer's keys are unavailable.
        """
        try:
            return self._verify(token)
        except ExpiredSignatureError:
            raise Unauthenticated("The token has expired.", scope, "invalid_token") from None
        except PyJWTError as error:
            # Log the class only: some error texts quote the token.
            log.info("token rejected: %s", type(error).__name__)
            raise Unauthenticated("The token is invalid for this API.", scope, "invalid_token") from None

    def _verify(self, token: str) -> Mapping[str, Any]:
        """Try each key with the token's key id: an issuer may use one id for two keys."""
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
            audience=settings.audience if has_aud else None,  # None: PyJWT rejects tokens with an `aud`
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
        InvalidTokenError: No key can make the token valid, so no keys are fetched.
    """
    if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token, re.ASCII):
        raise InvalidTokenError
    header = get_unverified_header(token)
    key_id: str = header.get("kid", "")
    if not key_id or header.get("alg") not in ALGORITHMS:
        raise InvalidTokenError
    return key_id
