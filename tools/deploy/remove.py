"""`make remove`: delete the stack of STAGE with the tool that deployed it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import DeployError
from tools.deploy.stack import find_account, find_region, find_stack, stack_name
from tools.package.uv import ROOT


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> None:
    """Delete the stack after a confirmation; exit with the code of the tool."""
    [tool] = sys.argv[1:] if arguments is None else arguments
    stage = os.environ.get("STAGE") or "dev"
    try:
        region, stack = find_region(), stack_name(stage, root)
        if not find_stack(stack, region).parameters:
            print(f"remove: there is no stack {stack} in {region}")
            return
        confirm(stage, stack, region)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(f"remove: {error}")
    environment = os.environ | {"AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    sys.exit(subprocess.run(command(tool, stage, stack), cwd=root, env=environment, check=False).returncode)


def confirm(stage: str, stack: str, region: str) -> None:
    """Ask a person to confirm the deletion, or require CONFIRM where nobody can be asked.

    Raises:
        DeployError: it was not confirmed.
    """
    if os.environ.get("CONFIRM") == stage:
        return
    if not sys.stdin.isatty():
        raise DeployError(f"nobody can confirm the deletion of {stack} here: set CONFIRM={stage}")
    if (
        input(f"remove: type {stage} to delete {stack} in account {find_account(region)}, {region}: ")
        != stage
    ):
        raise DeployError("not confirmed, nothing was deleted")


def command(tool: str, stage: str, stack: str) -> list[str]:
    """Return the command of a tool."""
    if tool == "sls":
        return ["npx", "--no-install", "sls", "remove", "--stage", stage]
    return ["sam", "delete", "--stack-name", stack, "--no-prompts"]


if __name__ == "__main__":
    main()
