"""The network of the cache: who may use it, and the order in which it comes and goes."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from shared.cache.keys import hash_tags
from shared.config import Settings
from tools.deploy.template import ResolvedTemplate, name_of

NETWORK_ACTIONS = {  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def network_rights(template) -> Iterator[str]:
    """Yield rights that a role lacks when an update takes its function out of the network.

    CloudFormation updates the role first. Lambda then deletes the network interfaces with the new role.
    """
    before = ResolvedTemplate(template, Cache="true").of_type("Lambda::Function")
    for cache in ("true", "bypass", "false"):
        roles = ResolvedTemplate(template, Cache=cache).of_type("IAM::Role")
        for name, function in before.items():
            if "VpcConfig" not in function:
                yield f"{name}: not in the VPC of the cache"
            allowed = _actions(roles[name_of(function["Role"])], "Allow")
            yield from (f"Cache={cache}: {name} lacks {each}" for each in NETWORK_ACTIONS - allowed)


def network_limits(template) -> Iterator[str]:
    """Yield rights on network interfaces that a function's code has; only Lambda itself needs them.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    for name, role in ResolvedTemplate(template).of_type("IAM::Role").items():
        denied = [
            each["Action"]
            for each in _statements(role)
            if each["Effect"] == "Deny" and "lambda:SourceFunctionArn" in each["Condition"]["ArnLike"]
        ]
        for action in _actions(role, "Allow"):
            if action.startswith("ec2:") and not any(fnmatchcase(action, each) for each in denied):
                yield f"{name}: the function's code may call {action}"


def deletion_order(template) -> Iterator[str]:
    """Yield roles that a deletion of the stack may delete before the network interfaces of their function."""
    resolved = ResolvedTemplate(template)
    for name, function in resolved.of_type("Lambda::Function").items():
        for group in function.get("VpcConfig", {}).get("SecurityGroupIds", []):
            if name_of(function["Role"]) not in dependencies(resolved.resources, name_of(group)):
                yield f"{name_of(group)}: not deleted before the role of {name}"
    for name in resolved.resources:
        if name in dependencies(resolved.resources, name):
            yield f"{name}: depends on itself"


def dependencies(resources, name):
    """Return the names of all resources that a resource depends on."""
    found, queue = set(), [name]
    while queue:
        each = resources[queue.pop()]
        after = each.get("DependsOn", [])
        names = {*re.findall(r"\$\{(\w+)", json.dumps(each)), *([after] if isinstance(after, str) else after)}
        queue += (names & resources.keys()) - found
        found |= names & resources.keys()
    return found


def zones(template) -> Iterator[str]:
    """Yield subnets that ignore the parameters for availability zones, and pairs that no rule rejects."""
    given = {"AvailabilityZoneA": "zone-x", "AvailabilityZoneB": "zone-y"}
    subnets = ResolvedTemplate(template, **given).of_type("EC2::Subnet")
    if {each["AvailabilityZone"] for each in subnets.values()} != set(given.values()):
        yield "the subnets are not in the given zones"


def cache_keys(template) -> Iterator[str]:
    """Yield users of the cache that may use other keys than the service's, or not all of the service's."""
    settings = Settings(stage="dev", region="eu-central-1", tables={"news": "table"})
    prefix = hash_tags(settings, "news")[0].partition("news:table")[0]
    for name, user in ResolvedTemplate(template).of_type("ElastiCache::User").items():
        if (patterns := re.findall(r"[~%]\S*", user["AccessString"])) != [f"~{prefix}*"]:
            yield f"{name}: its keys are {patterns}, those of the service start with {prefix}"


def _statements(role):
    return [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]


def _actions(role, effect):
    """Return the actions that a role allows or denies."""
    listed = [each["Action"] for each in _statements(role) if each["Effect"] == effect]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}
