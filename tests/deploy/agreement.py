"""Where the template says something else than the code, each as a line for a person.

Every function takes the translated template with its parameters worked out: what would be there.
"""

import ast
from collections.abc import Iterator
from importlib import import_module

import boto3
from conftest import ROOT, settings_for
from fakes import stored

from news.dao import NewsDao
from news.model import NewsFilter
from shared import headers
from shared.app import create_app
from shared.auth import SAFE, scope_of
from shared.config import Settings
from tools.artefact_python import RUNTIME
from tools.tables import create_tables

SET_BY_LAMBDA = {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_INITIALIZATION_TYPE"}
NOT_DEPLOYED = {
    "BASE_PATH",  # the API is at the root of its own domain
    "CORS_ORIGINS",  # the API does it, also for what it refuses itself
    "LOG_FORMAT",  # JSON on Lambda
    *("METRICS_PATH", "PROMETHEUS_MULTIPROC_DIR"),  # CloudWatch has the metrics from the log
    "PRELOAD",  # as the kind of start wants it
}


def functions(resolved):
    """Each function's name and properties, by its module."""
    return {
        each["Handler"].split(".")[1]: (name, each)
        for name, each in resolved.of_type("Lambda::Function").items()
    }


def routes(resolved) -> Iterator[str]:
    """Views that no route takes, or one with another scope or to another module, and routes of no view."""
    deployed = {
        tuple(each["RouteKey"].split(" ")): each for each in resolved.of_type("ApiGatewayV2::Route").values()
    }
    authorizers = {f"${{{name}}}" for name in resolved.of_type("ApiGatewayV2::Authorizer")}
    views_of = {module: set(views(module)) for module in functions(resolved)}
    used = set()
    for view in sorted(set().union(*views_of.values()), key=str):
        method, path, scope = view
        taken = next((key for key in deployed if takes(key, method, path)), None)
        if taken is None:
            if scope is None or authorizers:  # without an issuer nobody writes
                yield f"no route takes {method} {path}"
            continue
        used.add(taken)
        module = module_of(resolved, deployed[taken])
        if view not in views_of.get(module, ()):
            yield f"{taken}: leads to {module}, which has no such view"
        yield from (f"{taken}: {fault}" for fault in authorization(deployed[taken], view, authorizers))
    yield from (f"{key}: no view takes it" for key in deployed.keys() - used)


def module_of(resolved, route):
    """The module to whose function a route leads."""
    integration = resolved.resources[route["Target"].removeprefix("integrations/")[2:-1]]
    called = integration["Properties"]["IntegrationUri"]
    return next(
        (each for each, (name, _) in functions(resolved).items() if called.startswith(f"${{{name}.Arn}}:")),
        None,
    )


def authorization(route, view, authorizers) -> Iterator[str]:
    """A scope that isn't the view's, or that nobody asks for."""
    method, path, scope = view
    scopes = route.get("AuthorizationScopes", [])
    if scopes != ([scope] if scope else []):
        yield f"needs {scopes}, {method} {path} needs {scope}"
    if scope and (route.get("AuthorizationType") != "JWT" or route.get("AuthorizerId") not in authorizers):
        yield "has no authorizer"


def views(module):
    """Method, path and needed scope of everything that a module's app answers."""
    app = create_app(Settings(stage="dev", region="eu-central-1", tables={}))
    import_module(f"{module}.controller").setup_route(app, service=_NoService())
    for rule in app.url_map.iter_rules():
        path = "/".join("x" if part.startswith("<") else part for part in rule.rule.split("/"))
        for method in sorted(rule.methods):
            scope = scope_of(app, rule.endpoint)
            yield method, path, None if method in SAFE else scope


class _NoService:
    def check(self):
        raise NotImplementedError


def takes(key, method, path):
    """Whether a route of an HTTP API takes a request; what a greedy variable takes may be empty."""
    verb, pattern = key
    if verb not in {method, "ANY"}:
        return False
    start, greedy, _ = pattern.partition("{proxy+}")
    return path.startswith(start) if greedy else path == pattern


def environment(resolved, template) -> Iterator[str]:
    """Variables that the settings don't read, and settings that nobody sets.

    What is declared as AWS::NoValue is absent on AWS, and there for `sam local` to set.
    """
    for module, (name, function) in functions(resolved).items():
        declared = template["Resources"][name]["Properties"]["Environment"]["Variables"].keys()
        needed = {"STAGE"} | {f"{module.upper()}_TABLE" for _ in tables(resolved, module)}
        read = _Recorder({"AWS_REGION": "eu-central-1", "STAGE": "dev"} | dict.fromkeys(needed, "dev"))
        Settings.from_env(read)
        yield from (f"{name}: no setting" for name in declared - read.names)
        yield from (f"{name}: not set" for name in read.names - declared - SET_BY_LAMBDA - NOT_DEPLOYED)
        yield from (f"{name}: not set" for name in needed - function["Environment"]["Variables"].keys())


def tables(resolved, module):
    """The table of a module that has one, by its name."""
    name = f"{module.title().replace('_', '')}Table"
    found = resolved.of_type("DynamoDB::Table")
    return {name: found[name]} if name in found else {}


class _Recorder(dict):
    """An environment that keeps the names that it was asked for."""

    def __init__(self, variables):
        super().__init__(variables)
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


def built(resolved) -> Iterator[str]:
    """Handlers that aren't there, runtimes that aren't built for, logs without an end, vain time limits."""
    groups = {f"${{{group}}}" for group in resolved.of_type("Logs::LogGroup")}
    waits = min(each["TimeoutInMillis"] for each in resolved.of_type("ApiGatewayV2::Integration").values())
    for _, each in functions(resolved).values():
        if not is_there(each["Handler"]):
            yield f"handler {each['Handler']}: not there"
        if each["Runtime"] != f"python{RUNTIME}":
            yield f"runtime {each['Runtime']}: built for {RUNTIME}"
        if each.get("LoggingConfig", {}).get("LogGroup") not in groups:
            yield "no log group: Lambda would make one that is kept forever"
        if not each["Timeout"] * 1000 < waits <= 30_000:
            yield f"timeout of {each['Timeout']} s: the API waits {waits} ms"


def is_there(handler):
    """Whether a file assigns that name."""
    module, _, name = handler.rpartition(".")
    file = ROOT / f"{module.replace('.', '/')}.py"
    assigned = [each for each in ast.parse(file.read_text()).body if isinstance(each, ast.Assign)]
    return name in {target.id for each in assigned for target in each.targets}


def cors(resolved) -> Iterator[str]:
    """What the API tells browsers otherwise than the app would."""
    [api] = resolved.of_type("ApiGatewayV2::Api").values()
    said = api["CorsConfiguration"]
    expected = {
        "AllowHeaders": headers.ALLOWED_HEADERS.split(", "),
        "ExposeHeaders": headers.EXPOSED_HEADERS.split(", "),
        "AllowMethods": sorted(
            {method for module in functions(resolved) for method, _, _ in views(module)} - {"OPTIONS"}
        ),
        "MaxAge": headers.PREFLIGHT_SECONDS,
    }
    for name, value in expected.items():
        if (sorted(said[name]) if name == "AllowMethods" else said[name]) != value:
            yield f"CORS {name}: {said[name]}, the app says {value}"


def keys(resolved, endpoint) -> Iterator[str]:
    """Keys and indexes that a dao's own table hasn't got, or has otherwise."""
    settings = settings_for(endpoint)
    create_tables(settings)
    client = boto3.client("dynamodb", region_name=settings.region, endpoint_url=endpoint)
    for module in functions(resolved):
        for name, deployed in tables(resolved, module).items():
            ours = client.describe_table(TableName=settings.table(module))["Table"]
            for part in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes"):
                one, other = _sorted(deployed.get(part, [])), _sorted(ours.get(part, []))
                if one != other:
                    yield f"{name}'s {part}: {one}, the dao's is {other}"


def kept(resolved) -> Iterator[str]:
    """A table that may go with its data."""
    for name, each in resolved.resources.items():
        if each["Type"] == "AWS::DynamoDB::Table":
            if (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
                yield f"{name} goes with its stack"
            if not each["Properties"].get("DeletionProtectionEnabled"):
                yield f"{name} can be deleted"


def _sorted(parts):
    kept = ("AttributeName", "AttributeType", "IndexName", "KeySchema", "KeyType", "Projection")
    return sorted(({k: v for k, v in each.items() if k in kept} for each in parts), key=str)


def permissions(resolved, endpoint) -> Iterator[str]:
    """Actions on DynamoDB that the dao of news makes and its role may not, and the other way round.

    Another module's dao needs a function like `dao_actions` that calls all that it has.
    """
    _, function = functions(resolved)["news"]
    role = resolved.resources[function["Role"].removesuffix(".Arn}")[2:]]["Properties"]
    allowed = set()
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if action.startswith("dynamodb:"):
                allowed.add((action, statement["Resource"]))
    made = set(dao_actions(endpoint))
    yield from (f"role lacks {action} on {resource}" for action, resource in made - allowed)
    yield from (f"role needs no {action} on {resource}" for action, resource in allowed - made)


def dao_actions(endpoint):
    """Every action that any method of the dao makes, and on what."""
    settings = settings_for(endpoint, feed_shards=2)
    create_tables(settings)
    dao = NewsDao(settings)
    made = []

    def record(model, params, **_):
        target = "/index/*" if b"IndexName" in params["body"] else ""
        made.append((f"dynamodb:{model.name}", f"${{NewsTable.Arn}}{target}"))

    dao._table._get_connection().connection.client.meta.events.register("before-call.dynamodb", record)
    item = stored(1)
    driven = {
        "add": lambda: dao.add(item),
        "find": lambda: dao.find(item.id),
        "find_many": lambda: dao.find_many([item.id]),
        "add_many": lambda: dao.add_many([stored(2)]),
        "page": lambda: [dao.page(wanted, None, 1) for wanted in lists()],
        "replace": lambda: dao.replace(stored(1, version=2)),
        "remove": lambda: [dao.remove(item.id, 2), dao.remove(stored(2).id, None)],
        "check": dao.check,
    }
    assert driven.keys() == {name for name in vars(NewsDao) if not name.startswith("_")}
    for act in driven.values():
        act()
    return made


def lists():
    return [NewsFilter(), NewsFilter(category="science"), NewsFilter(source="example.com")]
