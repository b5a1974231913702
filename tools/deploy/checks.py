"""Reasons to stop a deployment: each ends it with one line that names the remedy."""

import os
import sys
from collections.abc import Collection
from pathlib import Path

from tools.deploy import DeployError
from tools.deploy.stack import Stack, find_account
from tools.deploy.template import ResolvedTemplate, read_template

CONFIRMED_STAGES = ("prod",)
"""Stages that are deployed only after a confirmation."""


def changed_parameters(stack: Stack, parameters: dict[str, str]) -> list[str]:
    """Return a line for each parameter of the stack that the deployment changes."""
    return [
        f"{name}: {old!r} -> {parameters[name]!r}"
        for name, old in stack.parameters.items()
        if name in parameters and parameters[name] != old
    ]


def check_rules(parameters: dict[str, str], root: Path) -> None:
    """Stop a deployment whose parameters break a rule of template.yaml, before anything is built.

    Raises:
        DeployError: with the description of the first broken rule.
    """
    for broken in ResolvedTemplate(read_template(root), **parameters).broken_rules:
        raise DeployError(broken)


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
    if parameters["Cache"] == "false" and stack.in_network and "drop-network" not in allowed:
        raise DeployError(
            f"{', '.join(stack.in_network)} use the network that Cache=false deletes: deploy Cache=bypass, "
            "delete those versions with make prune, then deploy Cache=false; or ALLOW=drop-network"
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
