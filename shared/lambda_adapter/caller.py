"""The caller of an HTTP event: its address, and the claims that the platform has verified."""

import re
from functools import lru_cache
from ipaddress import ip_address

from shared.lambda_adapter.fields import Event, get_object

NO_ADDRESS = "0.0.0.0"  # noqa: S104  # nosec B104  # no socket binds to it
"""The unspecified address (RFC 6890, section 2.2.2), for events without a valid client address."""

ADDRESS_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")
SIGNATURE = "AWS4-"
"""Start of the Authorization header of a request that is signed for IAM (Signature Version 4)."""


@lru_cache(maxsize=1024)
def parse_address(text: str) -> str:
    """Return the IP address in a text with an optional port, or NO_ADDRESS.

    Load balancers can add the client's port to X-Forwarded-For, as in `[2001:db8::1]:443`.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    text = text.strip()
    match = ADDRESS_WITH_PORT.fullmatch(text)
    try:
        parsed = ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return NO_ADDRESS
    return NO_ADDRESS if getattr(parsed, "scope_id", None) else str(parsed)


def drop_verified_signature(headers: dict[str, str], context: Event) -> dict[str, str]:
    """Return the headers without an IAM signature that the platform has verified.

    CloudFront's origin access control signs every request to a function URL, so the Authorization header
    does not identify the client.
    """
    if not headers.get("HTTP_AUTHORIZATION", "").startswith(SIGNATURE):
        return headers
    is_signed = get_object(context, "authorizer").get("iam") or get_object(context, "identity").get("userArn")
    return {name: value for name, value in headers.items() if name != "HTTP_AUTHORIZATION" or not is_signed}


def claims_v2(context: Event) -> Event:
    """Return the verified claims in payload 2.0: of a JWT, with its scopes, or a Lambda authorizer's context.

    An IAM signature adds no claims: it grants no scope, and CloudFront (origin access control) signs the
    requests of all clients.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """
    authorizer = get_object(context, "authorizer")
    if not authorizer:
        return {}
    token = get_object(authorizer, "jwt")
    if token:
        return _add_scopes(get_object(token, "claims"), token)
    return get_object(authorizer, "lambda")


def claims_v1(context: Event) -> Event:
    """Return the verified claims in payload 1.0 or an event of a REST API, or a Lambda authorizer's context.

    An IAM signature adds no claims, as in payload 2.0.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    """
    authorizer = get_object(context, "authorizer")
    if isinstance(authorizer.get("claims"), dict):
        return _add_scopes(authorizer["claims"], authorizer)
    return {name: value for name, value in authorizer.items() if name != "iam" and value is not None}


def _add_scopes(claims: Event, authorizer: Event) -> Event:
    scopes = authorizer.get("scopes")
    return claims if scopes is None else {**claims, "scopes": scopes}
