"""Reasons to stop a deployment: each ends it with one line that names the remedy."""

import os
import sys
from collections.abc import Collection, Mapping

from tools.deploy import DeployError
from tools.deploy.stack import Stack, find_account

CONFIRMED_STAGES = ("prod",)
"""Stages that are deployed only after a confirmation."""


def changed_parameters(stack: Stack, parameters: dict[str, str]) -> list[str]:
    """Return a line for each parameter of the stack that the deployment changes."""
    return [
        f"{name}: {old!r} -> {parameters[name]!r}"
        for name, old in stack.parameters.items()
        if name in parameters and parameters[name] != old
    ]


def check_issuer(stack: Stack, parameters: dict[str, str], allowed: Collection[str]) -> None:
    """Stop a deployment that would remove the authorizer and every write route.

    Raises:
        DeployError: the stack has an issuer, the deployment has none, and `drop-issuer` is not allowed.
    """
    issuer = stack.parameters.get("AuthIssuer")
    if issuer and not parameters["AuthIssuer"] and "drop-issuer" not in allowed:
        raise DeployError(
            f"this would remove the issuer {issuer} and all write routes: set AuthIssuer and AuthAudience in "
            f"stages/{parameters['Stage']}.yaml, or ALLOW=drop-issuer"
        )


def check_network(stack: Stack, parameters: dict[str, str], allowed: Collection[str]) -> None:
    """Stop a deployment that would delete a network which versions still use: CloudFormation would leave it.

    Raises:
        DeployError: there are such versions, and `drop-network` is not allowed.
    """
    if not stack.in_network or "drop-network" in allowed:
        return
    if _has_network(stack.parameters) and not _has_network(parameters):
        change = "SubnetIds" if parameters["SubnetIds"] else "Cache=false"
        raise DeployError(
            f"{', '.join(stack.in_network)} use the network that {change} deletes: deploy Cache=bypass, "
            f"delete those versions with make prune, then deploy {change}; or ALLOW=drop-network"
        )


def _has_network(parameters: Mapping[str, str]) -> bool:
    """Return whether a stack has a VPC of its own."""
    return parameters.get("Cache", "false") != "false" and not parameters.get("SubnetIds")


def check_cache(stack: Stack, parameters: dict[str, str]) -> None:
    """Stop a deployment that would move the cache to other subnets.

    CloudFormation cannot replace a cache, because it has a name.

    Raises:
        DeployError: the subnets of a cache that stays change.
    """
    stays = "false" not in {stack.parameters.get("Cache", "false"), parameters["Cache"]}
    if stays and stack.parameters.get("SubnetIds", "") != parameters["SubnetIds"]:
        raise DeployError("the cache cannot move to other subnets: deploy Cache=false first")


def check_tables(stack: Stack, parameters: dict[str, str], allowed: Collection[str]) -> None:
    """Stop a deployment that would turn from an existing table to a new, empty one.

    Raises:
        DeployError: a table is no longer named, and `new-table` is not allowed.
    """
    for name, table in stack.parameters.items():
        if name.endswith("TableName") and table and not parameters.get(name) and "new-table" not in allowed:
            raise DeployError(
                f"this would replace the table {table} by a new, empty one: set {name} in "
                f"stages/{parameters['Stage']}.yaml, or ALLOW=new-table"
            )


def confirm(stage: str, region: str) -> None:
    """Ask a person to confirm the deployment of prod, or require CONFIRM=prod where nobody can be asked.

    Raises:
        DeployError: it was not confirmed.
    """
    if stage not in CONFIRMED_STAGES or os.environ.get("CONFIRM") == stage:
        return
    if not sys.stdin.isatty():
        raise DeployError(f"nobody can confirm the stage {stage} here: set CONFIRM={stage}")
    place = f"account {find_account(region)}, region {region}"
    if input(f"deploy: type {stage} to deploy it to {place}: ") != stage:
        raise DeployError("not confirmed, nothing was deployed")
