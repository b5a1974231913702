"""Where the template says something else than the code, each as a line for a person.

Every function takes the translated template with its parameters worked out: what would be there.
"""

import ast
from collections.abc import Iterator

import boto3
from conftest import ROOT, settings_for
from fakes import stored

from news.controller import setup_route
from news.dao import NewsDao
from news.model import NewsFilter
from shared import headers
from shared.app import create_app
from shared.auth import SAFE, scope_of
from shared.config import Settings
from tools.artefact_python import RUNTIME
from tools.tables import create_tables

SET_BY_LAMBDA = {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME"}
NOT_DEPLOYED = {
    "BASE_PATH",  # the API is at the root of its own domain
    "CORS_ORIGINS",  # the API does it, also for what it refuses itself
    "LOG_FORMAT",  # JSON on Lambda
    *("METRICS_PATH", "PROMETHEUS_MULTIPROC_DIR"),  # CloudWatch has the metrics from the log
}


def routes(resolved) -> Iterator[str]:
    """Routes of the app that nothing deployed takes, or with another scope, and deployed ones of no view."""
    deployed = {
        (each["RouteKey"].split(" ")[0], each["RouteKey"].split(" ")[1]): each
        for each in resolved.of_type("ApiGatewayV2::Route").values()
    }
    authorizers = {f"${{{name}}}" for name in resolved.of_type("ApiGatewayV2::Authorizer")}
    used = set()
    for method, path, scope in views():
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
    app = create_app(Settings(stage="dev", region="eu-central-1", tables={"news": "news"}))
    setup_route(app, service=object.__new__(_NoService))
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


def environment(resolved, declared) -> Iterator[str]:
    """Variables that the settings don't read, and settings that nobody sets.

    What is declared as AWS::NoValue is absent on AWS, and there for `sam local` to set.
    """
    [function] = resolved.of_type("Lambda::Function").values()
    read = _Recorder(STAGE="dev", AWS_REGION="eu-central-1", NEWS_TABLE="news")
    Settings.from_env(read)
    yield from (f"{name}: no setting" for name in declared - read.names)
    yield from (f"{name}: not set" for name in read.names - declared - SET_BY_LAMBDA - NOT_DEPLOYED)
    yield from (
        f"{name}: not set" for name in {"STAGE", "NEWS_TABLE"} - function["Environment"]["Variables"].keys()
    )


def declared(template):
    """Names of the variables that the template declares, with whatever value."""
    [function] = (each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function")
    return function["Properties"]["Environment"]["Variables"].keys()


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
    [each] = resolved.of_type("Lambda::Function").values()
    module, _, name = each["Handler"].rpartition(".")
    file = ROOT / f"{module.replace('.', '/')}.py"
    names = (
        {
            target.id
            for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.Assign)
            for target in node.targets
        }
        if file.exists()
        else set()
    )
    if name not in names:
        yield f"handler {each['Handler']}: not there"
    if each["Runtime"] != f"python{RUNTIME}":
        yield f"runtime {each['Runtime']}: built for {RUNTIME}"
    groups = {f"${{{group}}}" for group in resolved.of_type("Logs::LogGroup")}
    if each.get("LoggingConfig", {}).get("LogGroup") not in groups:
        yield "no log group: Lambda would make one that is kept forever"
    for integration in resolved.of_type("ApiGatewayV2::Integration").values():
        if not each["Timeout"] * 1000 < integration["TimeoutInMillis"] <= 30_000:
            yield f"timeout of {each['Timeout']} s: the API waits {integration['TimeoutInMillis']} ms"


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
    """Keys and indexes that the dao's own table hasn't got, or has otherwise."""
    [deployed] = resolved.of_type("DynamoDB::Table").values()
    settings = settings_for(endpoint)
    create_tables(settings)
    client = boto3.client("dynamodb", region_name=settings.region, endpoint_url=endpoint)
    ours = client.describe_table(TableName=settings.table("news"))["Table"]
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


def _sorted(parts):
    kept = ("AttributeName", "AttributeType", "IndexName", "KeySchema", "KeyType", "Projection")
    return sorted(({k: v for k, v in each.items() if k in kept} for each in parts), key=str)


def permissions(resolved, endpoint) -> Iterator[str]:
    """Actions on DynamoDB that the dao makes and its role may not, and the other way round."""
    [role] = resolved.of_type("IAM::Role").values()
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
