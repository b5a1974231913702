"""Deployments with each tool, by the commands of `make deploy-sam` and `make deploy-sls`, in a copy."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.deploy.stack import stack_name
from tools.deploy_local.emulator import emulator_runtime

ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
"""The instruction set of this machine, on which the emulator runs functions."""

DEPLOY_BIN = Path(f"{sys.prefix}-deploy") / "bin"
QUIET = {
    "NODE_NO_WARNINGS": "1",
    "NO_COLOR": "1",
    "SAM_CLI_POLL_DELAY": "1",  # seconds between two looks at a deployment
    "SAM_CLI_TELEMETRY": "0",
    "SLS_TELEMETRY_DISABLED": "1",
    "SMOKE": "no",  # the address in ApiUrl is that of AWS
}


class DeploymentFailed(Exception):
    """A command failed; the message contains its output."""


class Deployer:
    """A deployment tool; each subclass is one.

    Attributes:
        project: the folder that is deployed.
        stage: the stage.
        stack: the name of the stack.
    """

    name: str

    def __init__(self, project: Path, environment: Mapping[str, str], stage: str) -> None:
        self.project, self.stage, self.stack = project, stage, stack_name(stage, project)
        path = f"{DEPLOY_BIN}{os.pathsep}{environment['PATH']}"
        build = {"ARCH": ARCHITECTURE, "RUNTIME": emulator_runtime()}
        self._environment = {**environment, **QUIET, **build, "PATH": path, "STAGE": stage}

    def deploy(self, parameters: Mapping[str, str], **variables: str) -> str:
        """Build the functions, deploy the stack, and return the output.

        Args:
            parameters: those that differ from the file of the stage.
            variables: of the command, such as ALLOW.
        """
        given = " ".join(f"{name}={value}" for name, value in parameters.items())
        command = (sys.executable, "-m", "tools.deploy.run", self.name)
        return self.run(*command, PARAMETERS=given, CONFIRM=self.stage, **variables)

    def remove(self) -> str:
        """Delete the stack, and return the output."""
        return self.run(sys.executable, "-m", "tools.deploy.remove", self.name, CONFIRM=self.stage)

    def run(self, *command: str, **variables: str) -> str:
        """Run a command in the project, and return its output.

        Raises:
            DeploymentFailed: it failed.
        """
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self._environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DeploymentFailed(f"{' '.join(command)} failed:\n{done.stdout}")
        return done.stdout


class Sam(Deployer):
    """The SAM CLI."""

    name = "sam"


class Sls(Deployer):
    """The Serverless Framework (osls)."""

    name = "sls"


DEPLOYERS = {each.name: each for each in (Sam, Sls)}
