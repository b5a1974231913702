"""Existing resources (SubnetIds, RedisUrl, NewsTableName): each replaces what the stack would create."""

import json
import re
from collections.abc import Iterator

from deploy.network_parameters import INVALID, VALID
from tools.deploy.template import PSEUDO, ResolvedTemplate

REPLACED = {"SubnetIds": "AWS::EC2::", "RedisUrl": "AWS::ElastiCache::", "NewsTableName": "NewsTable AWS::"}
"""The resources that a parameter replaces: a part of their names and types."""


def existing_resources(template) -> Iterator[str]:
    """Yield resources created beside an existing one, and references to resources that are not created."""
    for parameters in VALID:
        resolved = ResolvedTemplate(template, **parameters)
        label = " ".join(f"{name}={value}" for name, value in parameters.items())
        for name, each in resolved.resources.items():
            for parameter in parameters.keys() & REPLACED.keys():
                if REPLACED[parameter] in f"{name} {each['Type']}":
                    yield f"{label}: creates {name} beside {parameter}"
        text = json.dumps([resolved.resources, resolved.outputs])
        for name in sorted({*re.findall(r"\$\{(\w+)", text)} & template["Resources"].keys()):
            if name not in resolved.resources:
                yield f"{label}: refers to {name}, which is not created"


def existing_values(template) -> Iterator[str]:
    """Yield functions, roles and dashboards that ignore an existing resource."""
    for parameters in VALID:
        resolved = ResolvedTemplate(template, **parameters)
        for name, function in resolved.of_type("Lambda::Function").items():
            vpc, variables = function.get("VpcConfig", {}), function["Environment"]["Variables"]
            if "SubnetIds" in parameters and vpc != _vpc(parameters):
                yield f"{name}: not in the subnets and security groups of the parameters"
            for variable, parameter in _variables(parameters):
                is_used = variable != "NEWS_TABLE" or variable in variables
                if is_used and variables.get(variable) != parameters[parameter]:
                    yield f"{name}: {variable} is not {parameter}"
        yield from _unused(resolved, parameters)


def _vpc(parameters):
    return {name: parameters[name].split(",") for name in ("SubnetIds", "SecurityGroupIds")}


def _variables(parameters):
    names = {
        "NEWS_TABLE": "NewsTableName",
        "REDIS_URL": "RedisUrl",
        "REDIS_IAM_USER": "RedisIamUser",
        "REDIS_IAM_CACHE": "RedisIamCache",
    }
    return [(variable, parameter) for variable, parameter in names.items() if parameter in parameters]


def _unused(resolved, parameters):
    """Yield where an existing table, cache or user has to be named, and is not."""
    for name, text in _expected(resolved, parameters):
        if name in resolved.resources and text not in json.dumps(resolved.resources[name]):
            yield f"{name}: lacks {text}".replace('"', "")
    if "RedisUrl" in parameters and "CacheUnavailableAlarm" not in resolved.resources:
        yield "no alarm reports that the cache of RedisUrl is unavailable"


def _expected(resolved, parameters):
    """Yield names of resources, and the texts that they contain."""
    account = f"{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"
    if table := parameters.get("NewsTableName"):
        yield "Dashboard", table
        for name in ("NewsRole", "DynamoDbEndpoint"):
            yield name, f'"arn:aws:dynamodb:{account}:table/{table}"'
            yield name, f'"arn:aws:dynamodb:{account}:table/{table}/index/*"'
    if user := parameters.get("RedisIamUser"):
        cache = parameters["RedisIamCache"]
        for resource in (f"user:{user}", f"serverlesscache:{cache}", f"replicationgroup:{cache}"):
            for name in resolved.of_type("IAM::Role"):
                yield name, f'"arn:aws:elasticache:{account}:{resource}"'


def combinations(template) -> Iterator[str]:
    """Yield contradicting parameters that no rule rejects, and others that one rejects."""
    for parameters in VALID:
        for broken in ResolvedTemplate(template, **parameters).broken_rules:
            yield f"a rule rejects {parameters}: {broken}"
    for line, rejected in INVALID.items():
        for parameters in rejected:
            if line not in ResolvedTemplate(template, **parameters).broken_rules:
                yield f"no rule rejects {parameters}"
