"""`make deploy-local`: deploy the whole stack to an AWS emulator, and keep it until Ctrl-C."""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from tools.deploy_local.deployers import DEPLOYERS, DeploymentFailed
from tools.deploy_local.emulator import Emulator, access_variables, tool_environment
from tools.deploy_local.issuer import Issuer
from tools.deploy_local.omissions import PARAMETERS, omit_unsupported
from tools.deploy_local.project_copy import copy_project
from tools.local.processes import Processes, StartError
from tools.package.uv import PackageError
from tools.smoke.run import run as run_smoke_test

SAMPLE = {"title": "Hello", "url": "https://example.com/hello", "source": "me", "category": "world"}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Start the emulator, deploy, print what was deployed, and remove everything at the end."""
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        arguments = _parse_arguments()
        with tempfile.TemporaryDirectory(prefix="deploy-local-") as folder, Processes() as processes:
            _deploy(processes, Path(folder), arguments)
            signal.pause()
    except (DeploymentFailed, PackageError, StartError) as error:
        sys.exit(f"deploy-local: {error}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make deploy-local", usage="make deploy-local [TOOL=sls] [STAGE=dev]"
    )
    parser.add_argument("--tool", default="sam", choices=DEPLOYERS)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("parameters", nargs="*", metavar="Name=value")
    arguments = parser.parse_args()
    given = dict(each.partition("=")[::2] for each in arguments.parameters)
    for name, value in PARAMETERS.items():
        if given.get(name, value) != value:
            parser.error(f"the emulator supports {name}={value} only")
    arguments.parameters = given
    return arguments


def _deploy(processes: Processes, folder: Path, arguments: argparse.Namespace) -> None:
    if sys.platform != "linux":
        raise StartError("the emulator runs functions on this machine, and they are built for Linux")
    emulator = Emulator(processes, folder)
    _print_line("emulator", f"MiniStack at {emulator.url}")
    project = copy_project(folder / "project")
    for kind, names in omit_unsupported(project).items():
        _print_line("omitted", f"{', '.join(names)} ({kind.name}): {kind.reason}")
    issuer = Issuer.create(emulator)
    parameters = issuer.parameters | PARAMETERS | arguments.parameters
    _print_line("parameters", " ".join(f"{name}={value}" for name, value in parameters.items()))
    environment = tool_environment(emulator.url) | {"TMPDIR": str(folder)}
    deployer = DEPLOYERS[arguments.tool](project, environment, arguments.stage)
    _print_line("deploying", f"stack {deployer.stack} with {arguments.tool}, about a minute")
    deployer.deploy(parameters)
    _print_usage(emulator, deployer.stack, issuer)


def _print_usage(emulator: Emulator, stack: str, issuer: Issuer) -> None:
    address = emulator.api_url(emulator.api_id(stack))
    _print_line("API", address)
    _print_line("read", f"curl -i '{address}/news/'")
    _print_line(
        "write",
        f"curl -i '{address}/news/' -H 'Content-Type: application/json' -d '{json.dumps(SAMPLE)}' "
        f"-H 'Authorization: Bearer {issuer.token()}'",
    )
    variables = (f"{name}={value}" for name, value in access_variables(emulator.url).items())
    _print_line("AWS CLI", f"export {' '.join(variables)}")
    print(flush=True)
    # Python resolves no subdomain of localhost. The emulator itself serves /health.
    run_smoke_test(emulator.url, issuer.token(), host=urlsplit(address).netloc, skip={"health"})
    _print_line("", "Ctrl-C stops the emulator and deletes everything")


def _print_line(label: str, text: str) -> None:
    print(f"{label:<12}{text}", flush=True)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the cleanup
    sys.exit(0)


if __name__ == "__main__":
    main()
