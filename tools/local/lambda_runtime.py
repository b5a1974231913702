"""`make run-lambda`: run a function in Lambda's own runtime on this machine, without Docker.

The emulator takes every event at one path. The function starts with the first call.
"""

import argparse
import os
import platform
import signal
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tools.local import run_env
from tools.local.processes import Processes, StartError, free_port, wait_for_port
from tools.local.tables import LOCAL_NAMES

ROOT = Path(__file__).parent.parent.parent
INVOCATIONS = "/2015-03-31/functions/function/invocations"
"""The path of Invoke for the emulator's only function
(https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html)."""

DEFAULTS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "local",
    "STAGE": "local",
    **LOCAL_NAMES,
}
"""Lambda's variables, and a stage. A running service and the caller's environment override them."""

EXAMPLE = (
    '{"version": "2.0", "rawPath": "/news/", "rawQueryString": "limit=1", '
    '"requestContext": {"http": {"method": "GET"}}}'
)


class Runtime(NamedTuple):
    """The environment of a function.

    Attributes:
        python: the interpreter.
        installed: a folder with the emulator, and awslambdaric for the interpreter.
        task: the folder of the function; /var/task on Lambda.
    """

    python: str | Path
    installed: Path
    task: Path


def packages() -> Path:
    """Return the folder of the emulator and awslambdaric, in an environment beside this one.

    Raises:
        StartError: they are not installed, or this is not Linux.
    """
    if sys.platform != "linux":
        raise StartError("Lambda's runtime is for Linux only")
    environment = Path(f"{sys.prefix}-lambda")
    found = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(environment)}))
    if not (found / "awslambdaric").is_dir():
        raise StartError(f"{environment.name} is missing: run `make setup`")
    return found


@contextmanager
def serving(
    handler: str,
    port: int = 0,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    runtime: Runtime | None = None,
) -> Iterator[str]:
    """Run the emulator with a handler.

    Args:
        handler: module and function, importable from the project or PYTHONPATH.
        port: a port of 127.0.0.1; 0 is a free one.
        env: variables of the function in addition to those of this process.
        log: a file for the output of the emulator and the function; None is this process's output.
        runtime: None is this interpreter with the project folder.

    Yields:
        The URL to POST events to.

    Raises:
        StartError: the emulator is not installed or does not start.
    """
    runtime = runtime or Runtime(sys.executable, packages(), ROOT)
    machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    port = port or free_port()
    command = [
        str(runtime.installed / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *(str(runtime.python), "-m", "awslambdaric", handler),
    ]
    given = DEFAULTS | {"LAMBDA_TASK_ROOT": str(runtime.task)} | os.environ | dict(env or {})
    path = os.pathsep.join(filter(None, [given.get("PYTHONPATH"), str(runtime.installed)]))
    with Processes() as processes:
        # awslambdaric searches the function in the working folder first.
        wait_for_port(processes.start(command, given | {"PYTHONPATH": path}, log, runtime.task), port)
        yield f"http://127.0.0.1:{port}{INVOCATIONS}"


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="make run-lambda", usage="make run-lambda [HANDLER=...] [PORT=...]")
    parser.add_argument("--handler", default="functions.news.handler")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: sys.exit(0))
    run_env.load(skip="AUTH_")  # the scopes of a caller are in the event, so a function needs no tokens
    try:
        with serving(arguments.handler, arguments.port) as url:
            print(f"{arguments.handler} is served until Ctrl-C. Invoke it with an event:\n")
            print(f"  curl -d '{EXAMPLE}' {url}\n", flush=True)
            signal.pause()
    except StartError as error:
        sys.exit(f"lambda: {error}")


if __name__ == "__main__":
    main()
