"""Scopes: each route that changes data declares the scope that its caller needs."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, current_app, g, request

from shared.config.auth import AuthSettings
from shared.constants import CLAIMS
from shared.errors import Forbidden, Unauthenticated
from shared.lazy import Lazy

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import Rule

    from shared.auth.tokens import Verifier

View = TypeVar("View", bound=Callable[..., object])

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
"""Methods that only read (RFC 9110, section 9.2.1)."""


class UndeclaredScope(Exception):
    """A route accepts an unsafe method and declares no scope. It aborts startup."""


def require_scope(scope: str) -> Callable[[View], View]:
    """Declare the scope that callers of a view need (RFC 6749, section 3.3).

    Use it below the route decorator.
    """

    def declare(view: View) -> View:
        view.scope = scope  # type: ignore[attr-defined]
        return view

    return declare


class ScopeEnforcingFlask(Flask):
    """A Flask app that rejects routes with an unsafe method and without a scope."""

    def add_url_rule(self, *args: Any, **kwargs: Any) -> None:
        """Add a route, of the app or of a blueprint.

        Raises:
            UndeclaredScope: The route accepts an unsafe method, and its view declares no scope.
        """
        super().add_url_rule(*args, **kwargs)
        for rule in self.url_map.iter_rules():
            unsafe = sorted((rule.methods or set()) - SAFE_METHODS)
            if unsafe and scope_of(self, rule.endpoint) is None:
                raise UndeclaredScope(
                    f"{'/'.join(unsafe)} {rule.rule} ({rule.endpoint}) declares no scope: "
                    'add @require_scope("...") below its route decorator'
                )


def scope_of(app: Flask, endpoint: str) -> str | None:
    """Return the scope that the view of an endpoint needs, or None."""
    scope: str | None = getattr(app.view_functions.get(endpoint), "scope", None)
    return scope


def has_credentials(environ: "WSGIEnvironment") -> bool:
    """Return whether the request has an Authorization header or verified claims of an authorizer."""
    return "HTTP_AUTHORIZATION" in environ or CLAIMS in environ


def init_auth(app: Flask, settings: AuthSettings | None, scope_prefix: str = "") -> None:
    """Enforce scopes on every request.

    Args:
        app: The app.
        settings: The accepted issuer. None disables token verification in the app.
        scope_prefix: The prefix that the issuer adds to each scope, such as `news-api/`.
    """
    app.extensions["verifier"] = settings and Lazy(partial(_make_verifier, settings))
    app.extensions["scope_prefix"] = scope_prefix
    app.before_request(enforce_scope)


def enforce_scope() -> None:
    """Reject the current request if its view needs a scope that the caller lacks.

    Raises:
        Unauthenticated: The request has no valid token.
        Forbidden: The token lacks the scope.
    """
    rule, method = request.url_rule, request.method
    if rule is None or (method == "OPTIONS" and _is_automatic_options(rule)):
        return
    scope = scope_of(current_app, rule.endpoint)
    if scope is None and method in SAFE_METHODS:
        return
    required = scope and current_app.extensions["scope_prefix"] + scope
    if required is not None:
        g.claims = _claims(required)
        if required in scopes_from_claims(g.claims):
            return
    raise Forbidden("The token lacks the required scope.", required)


def caller_id() -> str:
    """Return issuer and subject of the token of the current request, whose view needs a scope."""
    claims = g.claims
    return f"{claims.get('iss', '')} {claims.get('sub') or claims.get('client_id', '')}"


def _is_automatic_options(rule: "Rule") -> bool:
    """Return whether Flask itself responds to OPTIONS. Browsers send it without a token; no view runs."""
    return bool(getattr(rule, "provide_automatic_options", False))


def scopes_from_claims(claims: Mapping[str, Any]) -> set[str]:
    """Return the scopes in verified claims.

    Issuers use `scope`, a string of scopes separated by spaces (RFC 8693, section 4.2), or `scp`, which may
    be a list. API Gateway converts a list to a string such as `[a b]`. It adds `scopes` if its own route
    settings require some. Only the space separates scopes (RFC 6749, section 3.3).
    """
    for name in ("scope", "scp", "scopes"):
        value = claims.get(name)
        if isinstance(value, str):
            is_list = value.startswith("[") and value.endswith("]")
            return set((value[1:-1] if is_list else value).split(" ")) - {""}
        if isinstance(value, list):
            return {scope for scope in value if isinstance(scope, str)}
    return set()


def _claims(scope: str) -> Mapping[str, Any]:
    """Return the verified claims of the caller: from API Gateway's authorizer, else from the token.

    Raises:
        Unauthenticated: The request has no valid token.
        Forbidden: The app does not verify tokens.
    """
    claims: Mapping[str, Any] | None = request.environ.get(CLAIMS)
    if claims is not None:
        return claims
    verifier = cast("Verifier | None", current_app.extensions["verifier"])
    if verifier is None:
        raise Forbidden("This operation is disabled: token verification is not configured.", scope)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("A token is required: send `Authorization: Bearer <token>`.", scope)
    return verifier.claims(token.strip(), scope)


def _make_verifier(settings: AuthSettings) -> "Verifier":
    from shared.auth.tokens import Verifier  # noqa: PLC0415  # imports PyJWT and cryptography: writes only

    return Verifier(settings)
