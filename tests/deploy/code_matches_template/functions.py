"""Functions of the template against the settings, handlers and runtime of the code."""

import ast
from collections.abc import Iterator

from shared.config import Settings
from support.environment import ROOT
from tools.deploy.template import name_of
from tools.local.tables import LOCAL_NAMES
from tools.package.python import RUNTIMES

SET_BY_LAMBDA = {"AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_INITIALIZATION_TYPE"}
NOT_DEPLOYED = {
    "CORS_ORIGINS",  # API Gateway adds CORS headers, also to its own errors
    "LOG_FORMAT",  # always JSON on Lambda
    *("METRICS_BIND", "METRICS_PATH"),  # CloudWatch extracts the metrics from the log
    "PRELOAD",  # the default depends on how Lambda initializes the function
}


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


def base_path(resolved) -> Iterator[str]:
    """Yield mapping keys of a custom domain that differ from BASE_PATH, with which links start."""
    for mapping in resolved.of_type("ApiGatewayV2::ApiMapping").values():
        key = mapping.get("ApiMappingKey", "")
        for function in resolved.of_type("Lambda::Function").values():
            path = function["Environment"]["Variables"].get("BASE_PATH", "")
            if path != key:
                yield f"mapping key {key!r}: BASE_PATH is {path!r}"


def references(resolved) -> Iterator[str]:
    """Yield settings whose reference the role of the function may not read."""
    actions = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}
    for function in resolved.of_type("Lambda::Function").values():
        role = resolved.of_type("IAM::Role")[name_of(function["Role"])]
        statements = role["Policies"][0]["PolicyDocument"]["Statement"]
        for name, value in function["Environment"]["Variables"].items():
            service, _, secret = str(value).partition(":")
            allowed = (each["Resource"] for each in statements if each["Action"] == actions.get(service))
            if service in actions and not any(
                each.endswith((secret, f"{secret}-??????")) for each in allowed
            ):
                yield f"{name}: the role may not read {value}"


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
        if each["Runtime"] != f"python{RUNTIMES[0]}":
            yield f"runtime {each['Runtime']}: artifacts are built for {RUNTIMES[0]}"
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
