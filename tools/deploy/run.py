"""`make deploy-sam` and `make deploy-sls`: check STAGE, deploy it with its parameters, and test its API."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import DeployError
from tools.deploy.checks import (
    changed_parameters,
    check_cache,
    check_issuer,
    check_network,
    check_tables,
    confirm,
)
from tools.deploy.deployed_api import check_deployed_api
from tools.deploy.existing_tables import check_existing_tables
from tools.deploy.parameter_checks import check_parameters
from tools.deploy.parameters import read_parameters, read_tags
from tools.deploy.stack import find_region, find_stack, stack_name
from tools.deploy.tables import BUILT_TEMPLATE, delete_tables_with_stack
from tools.package.uv import ROOT

NEEDED = {"sam": ("make", "sam"), "sls": ("make", "npx")}
"""Programs that a deployment needs, by tool."""

BUILD_VARIABLES = {"ARCH": "Architecture", "RUNTIME": "Runtime"}
"""Variables of `make package`, and the parameters that must have the same values."""

SAM_BUILD = ["sam", "build"]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> None:
    """Check, deploy and test; exit with the code of the tool."""
    [tool] = sys.argv[1:] if arguments is None else arguments
    try:
        _deploy(tool, root)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(f"deploy: {error}")


def _deploy(tool: str, root: Path) -> None:
    stage = os.environ.get("STAGE") or "dev"
    given = os.environ.get("PARAMETERS", "").split()
    for variable, parameter in BUILD_VARIABLES.items():
        if value := os.environ.get(variable):
            given.append(f"{parameter}={value}")
    parameters, region = prepare(tool, stage, given, root)
    environment = os.environ | {
        **{variable: parameters[parameter] for variable, parameter in BUILD_VARIABLES.items()},
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "CONFIRM": stage,  # for sls_checks.js
        "PARAMETERS": " ".join(given),  # for sls_parameters.js
    }
    for command in commands(tool, parameters, root):
        if code := subprocess.run(command, cwd=root, env=environment, check=False).returncode:
            sys.exit(code)
        if command[:2] == SAM_BUILD and parameters["RetainTables"] == "false":
            delete_tables_with_stack(root / BUILT_TEMPLATE)
    check_deployed_api(stack_name(stage, root), stage, region)


def prepare(tool: str, stage: str, given: list[str], root: Path) -> tuple[dict[str, str], str]:
    """Return the parameters and the region of a deployment that may start.

    Raises:
        DeployError: it may not.
    """
    for program in NEEDED[tool]:
        if not shutil.which(program):
            raise DeployError(f"{program} is missing: see Prerequisites in docs/before-you-deploy.md")
    parameters, region = read_parameters(stage, given, root), find_region()
    read_tags(root)  # fails before anything is built
    name = stack_name(stage, root)
    check_parameters(parameters, name, region, root)
    allowed = os.environ.get("ALLOW", "").split()
    stack = find_stack(name, region)
    check_issuer(stack, parameters, allowed)
    check_network(stack, parameters, allowed)
    check_cache(stack, parameters)
    check_tables(stack, parameters, allowed)
    check_existing_tables(parameters, region, root)
    for line in changed_parameters(stack, parameters):
        print(f"deploy: {line}", flush=True)
    confirm(stage, region)
    return parameters, region


def commands(tool: str, parameters: dict[str, str], root: Path) -> list[list[str]]:
    """Return the commands of a tool.

    SAM would keep the deployed value of a parameter that the command does not name, so it gets all of them,
    in a file: its command line accepts no empty values. SAM has one bucket for all stacks of a region; the
    prefix lets a role be limited to the artifacts of a stage. sls reads PARAMETERS and the stage's file.
    """
    stage = parameters["Stage"]
    if tool == "sls":
        return [["npx", "--no-install", "sls", "deploy", "--stage", stage]]
    file = root / ".aws-sam" / f"parameters-{stage}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{name}: {_quoted(value)}\n" for name, value in parameters.items()))
    overrides = ["--parameter-overrides", f"file://{file.relative_to(root)}"]
    stack = stack_name(stage, root)
    deploy = ["sam", "deploy", "--stack-name", stack, "--s3-prefix", stack]
    if tags := read_tags(root):
        deploy += ["--tags", *(f'"{name}"="{value}"' for name, value in tags.items())]
    return [[*SAM_BUILD, *overrides], [*deploy, *overrides]]


def _quoted(value: str) -> str:
    """Return a value as a string of YAML."""
    return "'" + value.replace("'", "''") + "'"


if __name__ == "__main__":
    main()
