"""Where the template says something else than the code, each as a line for a person.

Every function takes the translated template with its parameters worked out: what would be there.
"""

import ast
import json
from collections.abc import Iterator
from importlib import import_module

import boto3

from shared.app import create_app
from shared.auth.scopes import SAFE_METHODS, scope_of
from shared.config import Settings
from shared.web import headers
from support.environment import ROOT, settings_for
from tools.local.tables import LOCAL_NAMES, TABLES, create_tables
from tools.package.python import RUNTIME
from tools.package.sources import modules

SET_BY_LAMBDA = {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_INITIALIZATION_TYPE"}
NOT_DEPLOYED = {
    "BASE_PATH",  # the API is at the root of its own domain
    "CORS_ORIGINS",  # the API does it, also for what it refuses itself
    "LOG_FORMAT",  # JSON on Lambda
    *("METRICS_BIND", "METRICS_PATH"),  # CloudWatch has the metrics from the log
    "PRELOAD",  # as the kind of start wants it
}


def routes(resolved, scope_prefix="") -> Iterator[str]:
    """Routes of the app that nothing deployed takes, or with another scope, and deployed ones of no view."""
    deployed = {
        (each["RouteKey"].split(" ")[0], each["RouteKey"].split(" ")[1]): each
        for each in resolved.of_type("ApiGatewayV2::Route").values()
    }
    authorizers = {f"${{{name}}}" for name in resolved.of_type("ApiGatewayV2::Authorizer")}
    used = set()
    for method, path, name in views():
        scope = name and scope_prefix + name
        taken = next((key for key in deployed if takes(key, method, path)), None)
        if taken is None:
            if scope is None or authorizers:  # without an issuer nobody writes
                yield f"no route takes {method} {path}"
            continue
        used.add(taken)
        route = deployed[taken]
        scopes = route.get("AuthorizationScopes", [])
        if scopes != ([scope] if scope else []):
            yield f"{taken}: needs {scopes}, {method} {path} needs {scope}"
        if scope and (
            route.get("AuthorizationType") != "JWT" or route.get("AuthorizerId") not in authorizers
        ):
            yield f"{taken}: has no authorizer"
    yield from (f"{key}: no view takes it" for key in deployed.keys() - used)


def views():
    """Method, path and needed scope of everything that the app answers."""
    app = create_app(Settings(stage="dev", region="eu-central-1", tables={}))
    for module in modules():
        import_module(f"{module}.controller").setup_route(app, service=object.__new__(_NoService))
    for rule in app.url_map.iter_rules():
        path = "/".join("x" if part.startswith("<") else part for part in rule.rule.split("/"))
        for method in sorted(rule.methods):
            scope = scope_of(app, rule.endpoint)
            yield method, path, None if method in SAFE_METHODS else scope


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


def environment(resolved, declared) -> Iterator[str]:
    """Variables that the settings don't read, and settings that nobody sets.

    What is declared as AWS::NoValue is absent on AWS, and there for `sam local` to set.
    """
    read = _Recorder(STAGE="dev", AWS_REGION="eu-central-1")
    Settings.from_env(read)
    for name, function in resolved.of_type("Lambda::Function").items():
        needed = {"STAGE", f"{module_of(function).upper()}_TABLE"} & (read.names | LOCAL_NAMES.keys())
        yield from (f"{each}: no setting" for each in declared[name] - read.names - LOCAL_NAMES.keys())
        yield from (f"{each}: not set" for each in read.names - declared[name] - SET_BY_LAMBDA - NOT_DEPLOYED)
        yield from (f"{each}: not set" for each in needed - function["Environment"]["Variables"].keys())


def declared(template):
    """Names of the variables that the template declares for each function, with whatever value."""
    return {
        name: each["Properties"]["Environment"]["Variables"].keys()
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Lambda::Function"
    }


def module_of(function):
    """The module that a function is of."""
    return function["Handler"].split(".")[1]


class _Recorder(dict):
    """An environment that keeps the names that it was asked for."""

    def __init__(self, **variables):
        super().__init__(variables)
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


def function(resolved) -> Iterator[str]:
    """A handler that isn't there, a runtime that isn't built for, logs without an end, a vain time limit."""
    groups = {f"${{{group}}}" for group in resolved.of_type("Logs::LogGroup")}
    for each in resolved.of_type("Lambda::Function").values():
        module, _, name = each["Handler"].rpartition(".")
        if name not in assigned(ROOT / f"{module.replace('.', '/')}.py"):
            yield f"handler {each['Handler']}: not there"
        if each["Runtime"] != f"python{RUNTIME}":
            yield f"runtime {each['Runtime']}: built for {RUNTIME}"
        if each.get("LoggingConfig", {}).get("LogGroup") not in groups:
            yield "no log group: Lambda would make one that is kept forever"
        for integration in resolved.of_type("ApiGatewayV2::Integration").values():
            if not each["Timeout"] * 1000 < integration["TimeoutInMillis"] <= 30_000:
                yield f"timeout of {each['Timeout']} s: the API waits {integration['TimeoutInMillis']} ms"


def assigned(file):
    """The names that a file gives a value to; none, where there is no file."""
    if not file.exists():
        return set()
    nodes = (node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Assign))
    return {target.id for node in nodes for target in node.targets}


def cors(resolved) -> Iterator[str]:
    """What the API tells browsers otherwise than the app would."""
    [api] = resolved.of_type("ApiGatewayV2::Api").values()
    said = api["CorsConfiguration"]
    expected = {
        "AllowHeaders": headers.ALLOWED_HEADERS.split(", "),
        "ExposeHeaders": headers.EXPOSED_HEADERS.split(", "),
        "AllowMethods": sorted({method for method, _, _ in views()} - {"OPTIONS"}),
        "MaxAge": headers.PREFLIGHT_SECONDS,
    }
    for name, value in expected.items():
        if (sorted(said[name]) if name == "AllowMethods" else said[name]) != value:
            yield f"CORS {name}: {said[name]}, the app says {value}"


def table(resolved, endpoint) -> Iterator[str]:
    """Keys and indexes that a dao's own table hasn't got, or has otherwise."""
    settings = settings_for(endpoint)
    create_tables(settings)
    client = boto3.client("dynamodb", region_name=settings.region, endpoint_url=endpoint)
    for module in TABLES:
        deployed = resolved.of_type("DynamoDB::Table")[f"{module.capitalize()}Table"]
        ours = client.describe_table(TableName=settings.table(module))["Table"]
        for name in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes"):
            one, other = _sorted(deployed[name]), _sorted(ours[name])
            if one != other:
                yield f"table's {name}: {one}, the dao's is {other}"


def kept(resolved) -> Iterator[str]:
    """A table that may go with its data."""
    for name, each in resolved.resources.items():
        if each["Type"] == "AWS::DynamoDB::Table":
            if (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
                yield f"{name} goes with its stack"
            if not each["Properties"].get("DeletionProtectionEnabled"):
                yield f"{name} can be deleted"


def shown(resolved) -> Iterator[str]:
    """A table, or a function's log, that the dashboard doesn't show."""
    [dashboard] = resolved.of_type("CloudWatch::Dashboard").values()
    body = json.dumps(json.loads(dashboard["DashboardBody"])["widgets"])
    functions = resolved.of_type("Lambda::Function").values()
    logs = [each["LoggingConfig"]["LogGroup"] for each in functions if "LoggingConfig" in each]
    for name in (*logs, *(f"${{{table}}}" for table in resolved.of_type("DynamoDB::Table"))):
        if name not in body:
            yield f"{name} is not on the dashboard"


def _sorted(parts):
    kept = ("AttributeName", "AttributeType", "IndexName", "KeySchema", "KeyType", "Projection")
    return sorted(({k: v for k, v in each.items() if k in kept} for each in parts), key=str)


def permissions(resolved, endpoint) -> Iterator[str]:
    """Actions on DynamoDB that a dao makes and its role may not, and the other way round."""
    for module in TABLES:
        role = resolved.of_type("IAM::Role")[f"{module.capitalize()}Role"]
        allowed = set()
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                if action.startswith("dynamodb:"):
                    allowed.add((action, statement["Resource"]))
        made = set(dao_actions(module, endpoint))
        yield from (f"role lacks {action} on {resource}" for action, resource in made - allowed)
        yield from (f"role needs no {action} on {resource}" for action, resource in allowed - made)


def dao_actions(module, endpoint):
    """Every action that any method of a module's dao makes, and on what."""
    settings = settings_for(endpoint, feed_shards=2)
    create_tables(settings)
    dao, calls = import_module(f"support.{module}_cases").calls(settings)
    made = []

    def record(model, params, **_):
        target = "/index/*" if b"IndexName" in params["body"] else ""
        made.append((f"dynamodb:{model.name}", f"${{{module.capitalize()}Table.Arn}}{target}"))

    dao._table._get_connection().connection.client.meta.events.register("before-call.dynamodb", record)
    assert calls.keys() == {name for name in vars(type(dao)) if not name.startswith("_")}
    for call in calls.values():
        call()
    return made
