"""The commands of the two deployment tools, in a copy of the project."""

import platform
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.package.uv import ROOT

NAME: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
"""The prefix of every stack's name."""

ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
"""The instruction set of this machine, on which the emulator runs functions."""

QUIET = {
    "NODE_NO_WARNINGS": "1",
    "NO_COLOR": "1",
    "SAM_CLI_POLL_DELAY": "1",  # seconds between two looks at a deployment
    "SAM_CLI_TELEMETRY": "0",
    "SLS_TELEMETRY_DISABLED": "1",
}


class DeployError(Exception):
    """A deployment failed; the message is the tool's output."""


class Deployer:
    """A deployment tool.

    Attributes:
        stack: the name of the stack.
        project: the folder that is deployed.
    """

    def __init__(self, project: Path, environment: Mapping[str, str], stage: str) -> None:
        self.project, self.stage, self.stack = project, stage, f"{NAME}-{stage}"
        self._environment = {**environment, **QUIET, "ARCH": ARCHITECTURE}

    def deploy(self, parameters: Mapping[str, str]) -> str:
        """Build the functions, deploy the stack, and return the tool's output."""
        raise NotImplementedError

    def remove(self) -> str:
        """Delete the stack, and return the tool's output."""
        raise NotImplementedError

    def run(self, *command: str) -> str:
        """Run a command in the project, and return its output.

        Raises:
            DeployError: it failed.
        """
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DeployError(f"{' '.join(command)} failed:\n{done.stdout}")
        return done.stdout


class Sam(Deployer):
    """The SAM CLI."""

    command = str(Path(f"{sys.prefix}-deploy") / "bin" / "sam")

    def deploy(self, parameters: Mapping[str, str]) -> str:
        """Run `sam build`, then `sam deploy`."""
        self.run(self.command, "build")
        return self.deploy_built(parameters)

    def deploy_built(self, parameters: Mapping[str, str]) -> str:
        """Run `sam deploy` with what was built before."""
        given = {"Stage": self.stage, "Architecture": ARCHITECTURE, **parameters}
        overrides = [f'{name}="{value}"' for name, value in given.items()]  # an empty value needs the quotes
        return self.run(
            self.command, "deploy", "--stack-name", self.stack, "--parameter-overrides", *overrides
        )

    def remove(self) -> str:
        """Run `sam delete`."""
        return self.run(self.command, "delete", "--stack-name", self.stack, "--no-prompts")


class Sls(Deployer):
    """The Serverless Framework (osls)."""

    command = str(ROOT / "node_modules" / ".bin" / "sls")

    def deploy(self, parameters: Mapping[str, str]) -> str:
        """Run `sls deploy`, which builds too."""
        return self.run(self.command, "deploy", *self._options(parameters))

    def remove(self) -> str:
        """Run `sls remove`."""
        return self.run(self.command, "remove", *self._options({}))

    def _options(self, parameters: Mapping[str, str]) -> Sequence[str]:
        given = {"architecture": ARCHITECTURE}
        given |= {f"{name[0].lower()}{name[1:]}": value for name, value in parameters.items()}
        return ["--stage", self.stage, *(f"--param={name}={value}" for name, value in given.items() if value)]


DEPLOYERS = {"sam": Sam, "sls": Sls}
