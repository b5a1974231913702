"""Routes, scopes and CORS of the template against those of the app."""

from collections.abc import Iterator
from importlib import import_module

from shared.app import create_app
from shared.auth.scopes import SAFE_METHODS, scope_of
from shared.config import Settings
from shared.web import headers
from tools.package.sources import list_modules


def routes(resolved, scope_prefix="") -> Iterator[str]:
    """Yield views without a deployed route, routes without a view, and routes with the wrong scope."""
    deployed = {
        (each["RouteKey"].split(" ")[0], each["RouteKey"].split(" ")[1]): each
        for each in resolved.of_type("ApiGatewayV2::Route").values()
    }
    authorizers = {f"${{{name}}}" for name in resolved.of_type("ApiGatewayV2::Authorizer")}
    used = set()
    for method, path, name in views():
        scope = name and scope_prefix + name
        matching = next((key for key in deployed if matches(key, method, path)), None)
        if matching is None:
            if scope is None or authorizers:  # without an issuer there are no write routes
                yield f"no route for {method} {path}"
            continue
        used.add(matching)
        route = deployed[matching]
        scopes = route.get("AuthorizationScopes", [])
        if scopes != ([scope] if scope else []):
            yield f"{matching}: requires {scopes}, {method} {path} requires {scope}"
        if scope and (
            route.get("AuthorizationType") != "JWT" or route.get("AuthorizerId") not in authorizers
        ):
            yield f"{matching}: no JWT authorizer"
    yield from (f"{key}: no view" for key in deployed.keys() - used)


def views():
    """Yield method, path and required scope of every view of the app."""
    app = create_app(Settings(stage="dev", region="eu-central-1", tables={}))
    for module in list_modules():
        import_module(f"{module}.controller").setup_route(app, service=object.__new__(_NoService))
    for rule in app.url_map.iter_rules():
        path = "/".join("x" if part.startswith("<") else part for part in rule.rule.split("/"))
        for method in sorted(rule.methods):
            scope = scope_of(app, rule.endpoint)
            yield method, path, None if method in SAFE_METHODS else scope


class _NoService:
    """A service that no test calls."""

    def ping(self):
        raise NotImplementedError


def matches(key, method, path):
    """Return whether a route key of an HTTP API matches a request; `{proxy+}` also matches nothing."""
    verb, pattern = key
    if verb not in {method, "ANY"}:
        return False
    start, greedy, _ = pattern.partition("{proxy+}")
    return path.startswith(start) if greedy else path == pattern


def cors(resolved) -> Iterator[str]:
    """Yield CORS settings of the API that differ from the app's."""
    [api] = resolved.of_type("ApiGatewayV2::Api").values()
    configured = api["CorsConfiguration"]
    expected = {
        "AllowHeaders": headers.ALLOWED_HEADERS.split(", "),
        "ExposeHeaders": headers.EXPOSED_HEADERS.split(", "),
        "AllowMethods": sorted({method for method, _, _ in views()} - {"OPTIONS"}),
        "MaxAge": headers.PREFLIGHT_SECONDS,
    }
    for name, value in expected.items():
        if (sorted(configured[name]) if name == "AllowMethods" else configured[name]) != value:
            yield f"CORS {name}: {configured[name]}, the app has {value}"
