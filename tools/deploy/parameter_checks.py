"""Reasons to stop a deployment that lie in its parameters alone: each ends it with one line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.config import Settings, SettingsError
from tools.deploy import DeployError
from tools.deploy.template import ResolvedTemplate, read_template

MAX_DESCRIPTION = 256
"""https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"""


def check_parameters(parameters: Mapping[str, str], stack: str, region: str, root: Path) -> None:
    """Stop a deployment that CloudFormation would reject, or whose functions would not start.

    Raises:
        DeployError: with the first reason.
    """
    template = read_template(root)
    for name, declared in template["Parameters"].items():
        if not _is_allowed(parameters[name], declared):
            raise DeployError(f"{name}: {declared.get('ConstraintDescription') or _format(declared)}")
    resolved = ResolvedTemplate(template, **parameters)
    for broken in resolved.broken_rules:
        raise DeployError(broken)
    _check_redis(parameters, region)
    _check_descriptions(template, resolved, stack)


def _is_allowed(value: str, declared: Mapping[str, Any]) -> bool:
    """Return whether a parameter may have a value. Numbers are left to CloudFormation."""
    is_listed = value in map(str, declared.get("AllowedValues", [value]))
    is_short = len(value) <= declared.get("MaxLength", len(value))
    is_match = bool(re.fullmatch(declared.get("AllowedPattern", ".*"), value, re.DOTALL))
    return is_listed and is_short and is_match


def _format(declared: Mapping[str, Any]) -> str:
    """Return the expected format; never the value, which could contain a password."""
    values = declared.get("AllowedValues")
    return f"must be one of {', '.join(values)}" if values else f"must match {declared['AllowedPattern']}"


def _check_redis(parameters: Mapping[str, str], region: str) -> None:
    """Read the settings of the cache as a function does when it starts."""
    names = {"REDIS_URL": "RedisUrl", "REDIS_IAM_USER": "RedisIamUser", "REDIS_IAM_CACHE": "RedisIamCache"}
    settings = {variable: parameters[name] for variable, name in names.items()}
    try:
        Settings.from_env(settings | {"STAGE": parameters["Stage"], "AWS_REGION": region})
    except SettingsError as error:
        raise DeployError(str(error)) from None


def _check_descriptions(template: Mapping[str, Any], resolved: ResolvedTemplate, stack: str) -> None:
    """Check the descriptions of functions, with names as long as AWS makes them."""

    def longest_name(found: re.Match[str]) -> str:
        return f"{stack}-{'x' * 6}" if found[1] == "ResponseCache" else f"{stack}-{found[1]}-{'x' * 12}"

    for name, each in template["Resources"].items():
        if each["Type"] == "AWS::Serverless::Function":
            text = resolved.resolve(each["Properties"]["Description"])
            length = len(re.sub(r"\$\{(\w+)[\w.]*\}", longest_name, text))
            if length > MAX_DESCRIPTION:
                raise DeployError(
                    f"the description of {name} would have {length} characters, more than {MAX_DESCRIPTION}: "
                    "shorten SubnetIds, SecurityGroupIds, RedisUrl or AuthScopePrefix"
                )
