"""The settings that say whose tokens are accepted: AUTH_*."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from shared.constants import LOCAL_ISSUER

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Whose tokens are taken.

    Attributes:
        issuer: who makes them, as in their `iss`.
        audience: whom they must be made for, as in the audience claim.
        jwks: file or URL with the issuer's public keys, a JSON Web Key Set (RFC 7517).
        audience_claim: `aud`, or `client_id` for access tokens that have no `aud`.
    """

    issuer: str
    audience: str
    jwks: str
    audience_claim: str = "aud"


def auth_settings(
    issuer: str | None,
    audience: str | None,
    jwks: str | None,
    *,
    audience_claim: str | None = None,
    is_local: bool,
) -> AuthSettings | None:
    """The three settings together, or None: then nobody may change anything.

    Args:
        issuer: AUTH_ISSUER.
        audience: AUTH_AUDIENCE.
        jwks: AUTH_JWKS.
        audience_claim: AUTH_AUDIENCE_CLAIM.
        is_local: whether this is a run on a developer's machine.

    Raises:
        ValueError: they don't go together, or PyJWT is not installed; the message names the variable.
    """
    if issuer is None and audience is None and jwks is None:
        if audience_claim is not None:
            raise ValueError("AUTH_AUDIENCE_CLAIM: goes with AUTH_AUDIENCE, which is not set")
        return None
    if issuer is None or audience is None or jwks is None:
        given = {"AUTH_ISSUER": issuer, "AUTH_AUDIENCE": audience, "AUTH_JWKS": jwks}
        missing = next(name for name, value in given.items() if value is None)
        raise ValueError(f"{missing}: is not set: {', '.join(given)} go together; set all three, or none")
    if issuer == LOCAL_ISSUER and not is_local:  # its key lies about on a developer's disk
        raise ValueError(
            f"AUTH_ISSUER: {issuer!r} is the issuer of `make run`, and not one for Lambda or another stage"
        )
    url = urlsplit(jwks)
    if url.scheme == "http" and not is_local and url.hostname not in LOOPBACK:
        raise ValueError("AUTH_JWKS: the URL is not https: on the way, the keys could be exchanged")
    if not find_spec("jwt") or not find_spec("cryptography"):
        raise ValueError(
            "AUTH_ISSUER: what verifies its tokens is not installed: install requirements-verifier.txt, or "
            "build with `make package VERIFIER=yes`; behind API Gateway's authorizer, set no AUTH_*"
        )
    return AuthSettings(issuer, audience, jwks, audience_claim or "aud")


def party(text: str) -> str:
    """An issuer's or an audience's name.

    Raises:
        ValueError: what it must be.
    """
    if not re.fullmatch(r"[!-~]{1,2048}", text):
        raise ValueError("a name or URL without blanks, such as https://login.example.com/")
    return text


def audience_claim(text: str) -> str:
    """Return the name of the claim that holds the audience.

    Raises:
        ValueError: it is neither of the two.
    """
    if text not in {"aud", "client_id"}:
        raise ValueError("one of aud, client_id")
    return text


def scope_prefix(text: str) -> str:
    """Return the prefix that the issuer puts before each scope.

    Raises:
        ValueError: it has a character that no scope can have (RFC 6749, section 3.3).
    """
    if not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}", text):
        raise ValueError("a prefix of scopes such as news-api/, without blanks, quotes and backslashes")
    return text
