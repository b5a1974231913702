"""Tables, roles and the dashboard of the template against the daos."""

import json
from collections.abc import Iterator
from importlib import import_module

import boto3

from support.environment import settings_for
from tools.local.tables import TABLES, create_tables


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


def _sorted(parts):
    kept = ("AttributeName", "AttributeType", "IndexName", "KeySchema", "KeyType", "Projection")
    return sorted(({k: v for k, v in each.items() if k in kept} for each in parts), key=str)


def data_protection(resolved) -> Iterator[str]:
    """Yield tables that a deletion or a replacement would delete, or that a failed creation would leave."""
    for name, each in resolved.resources.items():
        if each["Type"] == "AWS::DynamoDB::Table":
            if each.get("UpdateReplacePolicy") != "Retain":
                yield f"{name}: not retained when it is replaced"
            if each.get("DeletionPolicy") != "RetainExceptOnCreate":
                yield f"{name}: not retained when the stack is deleted, or also when its creation fails"
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


def permissions(resolved, endpoint) -> Iterator[str]:
    """Yield DynamoDB actions that the role lacks, those that the dao does not need, and wildcard actions."""
    for module in TABLES:
        role = resolved.of_type("IAM::Role")[f"{module.capitalize()}Role"]
        allowed = set()
        statements = role["Policies"][0]["PolicyDocument"]["Statement"]
        for statement in (each for each in statements if each["Effect"] == "Allow"):
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
