"""Settings of authentication (AUTH_*): the issuer and audience of accepted tokens."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from msgspec import Struct

from shared.config.parsers import pattern_parser
from shared.constants import LOCAL_ISSUER

LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost"}


class AuthSettings(Struct, frozen=True):
    """The issuer and audience of accepted tokens.

    Attributes:
        issuer: The expected `iss` claim.
        audience: The expected value of the audience claim.
        jwks: File or URL of the issuer's public keys, a JSON Web Key Set (RFC 7517).
        audience_claim: `aud`, or `client_id` for access tokens without `aud`.
    """

    issuer: str
    audience: str
    jwks: str
    audience_claim: str = "aud"


def build_auth_settings(
    issuer: str | None,
    audience: str | None,
    jwks: str | None,
    audience_claim: str | None,
    *,
    is_local: bool,
) -> AuthSettings | None:
    """Return the settings of authentication, or None: the app then verifies no tokens.

    Args:
        issuer: AUTH_ISSUER.
        audience: AUTH_AUDIENCE.
        jwks: AUTH_JWKS.
        audience_claim: AUTH_AUDIENCE_CLAIM.
        is_local: True on a developer's machine.

    Raises:
        ValueError: The settings contradict each other, or PyJWT is not installed. The message starts with the
            variable's name.
    """
    if issuer is None and audience is None and jwks is None:
        if audience_claim is not None:
            raise ValueError("AUTH_AUDIENCE_CLAIM: requires AUTH_AUDIENCE, which is not set")
        return None
    if issuer is None or audience is None or jwks is None:
        variables = {"AUTH_ISSUER": issuer, "AUTH_AUDIENCE": audience, "AUTH_JWKS": jwks}
        missing = next(name for name, value in variables.items() if value is None)
        raise ValueError(f"{missing}: not set; set all or none of {', '.join(variables)}")
    _validate_location(issuer, jwks, is_local=is_local)
    if not find_spec("jwt") or not find_spec("cryptography"):
        raise ValueError(
            "AUTH_ISSUER: requires PyJWT and cryptography; install requirements/serve.txt, or build with "
            "`make package VERIFIER=yes`; behind an API Gateway authorizer, unset AUTH_*"
        )
    return AuthSettings(issuer, audience, jwks, audience_claim or "aud")


def _validate_location(issuer: str, jwks: str, *, is_local: bool) -> None:
    if issuer == LOCAL_ISSUER and not is_local:  # its private key is a file on a developer's machine
        raise ValueError(
            f"AUTH_ISSUER: {issuer!r} is the issuer of `make run`, and accepted in the stage local only"
        )
    url = urlsplit(jwks)
    if url.scheme == "http" and not is_local and url.hostname not in LOOPBACK_HOSTS:
        raise ValueError("AUTH_JWKS: must be an https URL; plain http does not protect the keys")


parse_issuer_or_audience = pattern_parser(
    r"[!-~]{1,2048}", "a name or URL without whitespace, such as https://login.example.com/"
)
# RFC 6749, section 3.3
parse_scope_prefix = pattern_parser(
    r"[\x21\x23-\x5b\x5d-\x7e]{1,256}",
    "a prefix of scopes such as news-api/, without whitespace, quotes and backslashes",
)
parse_audience_claim = pattern_parser(r"aud|client_id", "one of aud, client_id")
