"""The Lambda functions of a stage, with their published versions and aliases."""

from dataclasses import dataclass
from typing import Any

import boto3

from tools.deploy import DeployError
from tools.deploy.stack import find_region, function_names, stack_name
from tools.package.uv import ROOT

ALIAS = "live"
"""The alias that the API invokes: AutoPublishAlias in template.yaml."""


class VersionError(DeployError):
    """The versions of a function cannot be changed; the message is one line for a person."""


@dataclass(frozen=True)
class Function:
    """A deployed function.

    Attributes:
        module: the module that it serves, from its handler `functions.<module>.handler`.
        name: its name on Lambda.
        versions: the numbers of its published versions, oldest first.
        live: the version that the alias `live` points to.
        in_use: the versions that an alias sends requests to.
    """

    module: str
    name: str
    versions: tuple[int, ...]
    live: int
    in_use: frozenset[int]


def lambda_client() -> Any:
    """Return a client in the region of the deployments. boto3 itself does not read AWS_REGION.

    Raises:
        DeployError: there is no region.
    """
    return boto3.client("lambda", region_name=find_region())


def find_functions(stage: str, module: str | None = None) -> list[Function]:
    """Return the functions of a stage, or only that of a module.

    Raises:
        DeployError: there is none, or no region.
    """
    stack = stack_name(stage, ROOT)
    client = lambda_client()
    functions = [_describe(client, name) for name in function_names(stack, find_region())]
    found = [each for each in functions if module in {None, each.module}]
    if not found:
        raise VersionError(f"stack {stack} has no function{f' of the module {module}' if module else ''}")
    return found


def _describe(client: Any, name: str) -> Function:
    handler = client.get_function_configuration(FunctionName=name)["Handler"]
    published = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    aliases = client.get_paginator("list_aliases").paginate(FunctionName=name)
    numbers = [each["Version"] for page in published for each in page["Versions"]]
    used, live = set(), 0
    for alias in (each for page in aliases for each in page["Aliases"]):
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        used |= {int(number) for number in (alias["FunctionVersion"], *weights) if number != "$LATEST"}
        live = int(alias["FunctionVersion"]) if alias["Name"] == ALIAS else live
    return Function(
        module=handler.split(".")[1],
        name=name,
        versions=tuple(sorted(int(number) for number in numbers if number != "$LATEST")),
        live=live,
        in_use=frozenset(used),
    )
