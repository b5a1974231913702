"""Who may change something: every such route names the scope that its caller needs."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, current_app, request

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
"""Methods that change nothing (RFC 9110, section 9.2.1)."""


class UndeclaredScope(Exception):
    """A route changes something and names no scope; the app is not built."""


def require_scope(scope: str) -> Callable[[View], View]:
    """Declare, under its route, the scope that a caller of a view needs (RFC 6749, section 3.3)."""

    def declare(view: View) -> View:
        view.scope = scope  # type: ignore[attr-defined]
        return view

    return declare


class ScopeEnforcingFlask(Flask):
    """A Flask app that takes no route that changes something and doesn't say who may."""

    def add_url_rule(self, *args: Any, **kwargs: Any) -> None:
        """Add a route, a blueprint's too.

        Raises:
            UndeclaredScope: it takes a method that is not safe, and its view names no scope.
        """
        super().add_url_rule(*args, **kwargs)
        for rule in self.url_map.iter_rules():
            changing = sorted((rule.methods or set()) - SAFE_METHODS)
            if changing and scope_of(self, rule.endpoint) is None:
                raise UndeclaredScope(
                    f"{'/'.join(changing)} {rule.rule} ({rule.endpoint}) names no scope: "
                    'put @require_scope("...") under its route'
                )


def scope_of(app: Flask, endpoint: str) -> str | None:
    """The scope that a route's view needs, if any."""
    scope: str | None = getattr(app.view_functions.get(endpoint), "scope", None)
    return scope


def has_credentials(environ: "WSGIEnvironment") -> bool:
    """Return whether the request has an Authorization header or verified claims of an authorizer."""
    return "HTTP_AUTHORIZATION" in environ or CLAIMS in environ


def init_auth(app: Flask, settings: AuthSettings | None, scope_prefix: str = "") -> None:
    """Check the scope of every request; without settings, the app verifies no tokens itself.

    Args:
        app: the app.
        settings: the issuer whose tokens are accepted.
        scope_prefix: the prefix that the issuer puts before each scope, such as `news-api/`.
    """
    app.extensions["verifier"] = settings and Lazy(partial(_make_verifier, settings))
    app.extensions["scope_prefix"] = scope_prefix
    app.before_request(enforce_scope)


def enforce_scope() -> None:
    """Refuse a request for a view whose scope the caller lacks.

    Raises:
        Unauthenticated: there is no valid token.
        Forbidden: the token does not grant the scope.
    """
    rule, method = request.url_rule, request.method
    if rule is None or (method == "OPTIONS" and _is_automatic_options(rule)):
        return
    scope = scope_of(current_app, rule.endpoint)
    if scope is None and method in SAFE_METHODS:
        return
    required = scope and current_app.extensions["scope_prefix"] + scope
    if required is None or required not in scopes_from_claims(_claims(required)):
        raise Forbidden("The token does not grant what this needs.", required)


def _is_automatic_options(rule: "Rule") -> bool:
    """Return whether Flask itself responds to OPTIONS, which browsers send without a token; no view runs."""
    return bool(getattr(rule, "provide_automatic_options", False))


def scopes_from_claims(claims: Mapping[str, Any]) -> set[str]:
    """Return the scopes in verified claims.

    Issuers write them as `scope`, a string separated by spaces (RFC 8693, section 4.2), or as `scp`, which
    may be a list. API Gateway turns a list into a string such as `[a b]`, and passes on `scopes` where it
    has checked some. Other whitespace does not separate scopes (RFC 6749, section 3.3).
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
    """Return the verified claims of the caller: those of API Gateway's authorizer, else of the token."""
    claims: Mapping[str, Any] | None = request.environ.get(CLAIMS)
    if claims is not None:
        return claims
    verifier = cast("Verifier | None", current_app.extensions["verifier"])
    if verifier is None:
        raise Forbidden("No verifier of tokens is set up here, so nobody may do this.", scope)
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated("Send a token: Authorization: Bearer ...", scope)
    return verifier.claims(token.strip(), scope)


def _make_verifier(settings: AuthSettings) -> "Verifier":
    from shared.auth.tokens import Verifier  # noqa: PLC0415  # with PyJWT and cryptography: writes only

    return Verifier(settings)
