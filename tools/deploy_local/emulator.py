"""MiniStack, an AWS emulator in Python, which listens on 127.0.0.1 only.

https://github.com/ministackorg/ministack

It runs a function in its own Python, so its environment has the version of Lambda's runtime.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3

from tools.local.processes import Processes, free_port, wait_for_port

PYTHON = Path(f"{sys.prefix}-emulator") / "bin" / "python"
REGION = "eu-central-1"
ROOT_KEY = "test"
"""Access key and secret of the account's root user, which may do everything."""


def emulator_runtime() -> str:
    """Return the Lambda runtime whose functions the emulator can run, such as python3.14."""
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    return subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


class Emulator:
    """A running MiniStack.

    Attributes:
        port: the port of 127.0.0.1 that it listens on.
        url: its address, for AWS_ENDPOINT_URL.
    """

    def __init__(self, processes: Processes, folder: Path, *, enforce_policies: bool = False) -> None:
        """Start it.

        Args:
            processes: stops the emulator when it exits.
            folder: an existing folder for its log and its temporary files.
            enforce_policies: check the IAM policies of each caller, those of functions included.

        Raises:
            StartError: it does not start.
        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "emulator.log"
        variables = {
            "AUTH": str(enforce_policies).lower(),
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "HOME": str(folder),
            "IOT_MTLS_ENABLED": "0",  # it would listen on all addresses
            "MINISTACK_REGION": REGION,
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
        }
        # Functions inherit the emulator's variables, so it has none of this process.
        command = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        wait_for_port(processes.start([*command, str(PYTHON), "-m", "ministack"], log=self.log), self.port)

    def client(self, service: str) -> Any:
        """Return a boto3 client of the root user."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_KEY,
        )

    def api_id(self, stack: str) -> str:
        """Return the ID of a stack's HTTP API. Its address can be a custom domain."""
        names = {"StackName": stack, "LogicalResourceId": "HttpApi"}
        found = self.client("cloudformation").describe_stack_resource(**names)["StackResourceDetail"]
        return str(found["PhysicalResourceId"])

    def api_url(self, api_id: str) -> str:
        """Return the address of an HTTP API.

        Every name that ends with `.localhost` is this machine (RFC 6761, section 6.3).
        """
        return f"http://{api_id}.execute-api.localhost:{self.port}"


def access_variables(url: str, key: str = ROOT_KEY, secret: str = ROOT_KEY) -> dict[str, str]:
    """Return the variables with which AWS tools use an emulator."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def tool_environment(url: str, key: str = ROOT_KEY, secret: str = ROOT_KEY) -> dict[str, str]:
    """Return the environment of a tool that uses an emulator, and never an account of the developer."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "MFLAGS"))
    }
    no_account = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return kept | no_account | access_variables(url, key, secret)
