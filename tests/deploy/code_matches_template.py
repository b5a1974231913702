"""Find contradictions between the template and the code, each as a one-line message.

Every function takes the resolved template: the resources that a deployment creates.
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
from tools.package.sources import list_modules

SET_BY_LAMBDA = {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_INITIALIZATION_TYPE"}
NOT_DEPLOYED = {
    "BASE_PATH",  # the API is at the root of its domain
    "CORS_ORIGINS",  # API Gateway adds CORS headers, also to its own errors
    "LOG_FORMAT",  # always JSON on Lambda
    *("METRICS_BIND", "METRICS_PATH"),  # CloudWatch extracts the metrics from the log
    "PRELOAD",  # the default depends on how Lambda initializes the function
}


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


def environment(resolved, declared) -> Iterator[str]:
    """Yield environment variables that no setting reads, and settings that no variable sets.

    Variables declared as AWS::NoValue are absent on AWS; `sam local` can set them.
    """
    read = _Recorder(STAGE="dev", AWS_REGION="eu-central-1")
    Settings.from_env(read)
    for name, function in resolved.of_type("Lambda::Function").items():
        needed = {"STAGE", f"{module_of(function).upper()}_TABLE"} & (read.names | LOCAL_NAMES.keys())
        unread = declared[name] - read.names - LOCAL_NAMES.keys()
        yield from (f"{each}: no setting reads it" for each in unread)
        yield from (f"{each}: not set" for each in read.names - declared[name] - SET_BY_LAMBDA - NOT_DEPLOYED)
        yield from (f"{each}: not set" for each in needed - function["Environment"]["Variables"].keys())


def declared(template):
    """Return the names of all environment variables that the template declares, by function."""
    return {
        name: each["Properties"]["Environment"]["Variables"].keys()
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Lambda::Function"
    }


def module_of(function):
    """Return the module of a function."""
    return function["Handler"].split(".")[1]


class _Recorder(dict):
    """An environment that records which names are read."""

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
    """Yield a missing handler, a wrong runtime, a missing log group, and a timeout beyond the API's limit."""
    groups = {f"${{{group}}}" for group in resolved.of_type("Logs::LogGroup")}
    for each in resolved.of_type("Lambda::Function").values():
        module, _, name = each["Handler"].rpartition(".")
        if name not in assigned(ROOT / f"{module.replace('.', '/')}.py"):
            yield f"handler {each['Handler']}: does not exist"
        if each["Runtime"] != f"python{RUNTIME}":
            yield f"runtime {each['Runtime']}: artifacts are built for {RUNTIME}"
        if each.get("LoggingConfig", {}).get("LogGroup") not in groups:
            yield "no log group: Lambda would create one without a retention limit"
        for integration in resolved.of_type("ApiGatewayV2::Integration").values():
            if not each["Timeout"] * 1000 < integration["TimeoutInMillis"] <= 30_000:
                limit = integration["TimeoutInMillis"]
                yield f"timeout of {each['Timeout']} s: the API times out after {limit} ms"


def assigned(file):
    """Return the names that a file assigns at module level; empty if the file does not exist."""
    if not file.exists():
        return set()
    nodes = (node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Assign))
    return {target.id for node in nodes for target in node.targets}


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


def table(resolved, endpoint) -> Iterator[str]:
    """Yield keys and indexes that differ from the table model of the dao."""
    settings = settings_for(endpoint)
    create_tables(settings)
    client = boto3.client("dynamodb", region_name=settings.region, endpoint_url=endpoint)
    for module in TABLES:
        deployed = resolved.of_type("DynamoDB::Table")[f"{module.capitalize()}Table"]
        ours = client.describe_table(TableName=settings.table(module))["Table"]
        for name in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes"):
            one, other = _sorted(deployed[name]), _sorted(ours[name])
            if one != other:
                yield f"table's {name}: {one}, the dao has {other}"


def data_protection(resolved) -> Iterator[str]:
    """Yield tables that a stack deletion or a replacement would delete."""
    for name, each in resolved.resources.items():
        if each["Type"] == "AWS::DynamoDB::Table":
            if (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
                yield f"{name}: not retained when the stack is deleted"
            if not each["Properties"].get("DeletionProtectionEnabled"):
                yield f"{name}: no deletion protection"


def dashboard(resolved) -> Iterator[str]:
    """Yield tables and function logs that the dashboard does not show."""
    [deployed] = resolved.of_type("CloudWatch::Dashboard").values()
    body = json.dumps(json.loads(deployed["DashboardBody"])["widgets"])
    functions = resolved.of_type("Lambda::Function").values()
    logs = [each["LoggingConfig"]["LogGroup"] for each in functions if "LoggingConfig" in each]
    for name in (*logs, *(f"${{{table}}}" for table in resolved.of_type("DynamoDB::Table"))):
        if name not in body:
            yield f"{name} is not on the dashboard"


def _sorted(parts):
    kept = ("AttributeName", "AttributeType", "IndexName", "KeySchema", "KeyType", "Projection")
    return sorted(({k: v for k, v in each.items() if k in kept} for each in parts), key=str)


def permissions(resolved, endpoint) -> Iterator[str]:
    """Yield DynamoDB actions that the role lacks, those that the dao does not need, and wildcard actions."""
    for module in TABLES:
        role = resolved.of_type("IAM::Role")[f"{module.capitalize()}Role"]
        allowed = set()
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                if "*" in action:
                    yield f"role allows {action} on {statement['Resource']}"
                elif action.startswith("dynamodb:"):
                    allowed.add((action, statement["Resource"]))
        made = set(dao_actions(module, endpoint))
        yield from (f"role lacks {action} on {resource}" for action, resource in made - allowed)
        yield from (f"role allows unused {action} on {resource}" for action, resource in allowed - made)


def dao_actions(module, endpoint):
    """Return every DynamoDB action of the methods of a dao, with its resource."""
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
