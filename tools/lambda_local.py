"""Serve a function through Lambda's own runtime on this machine: its emulator, awslambdaric, and no Docker.

    python -m tools.lambda_local [--handler functions.news.handler] [--port 9000]

The emulator answers at one path, whatever the event; the function itself starts with the first call. Linux
only.
"""

import argparse
import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv-lambda"
RUN_ENV = ROOT / ".local" / "run.env"
INVOCATIONS = "/2015-03-31/functions/function/invocations"
"""The path of Invoke for the emulator's only function.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

START_SECONDS = 10
STOP_SECONDS = 5

DEFAULTS = {
    "STAGE": "local",
    "NEWS_TABLE": "news",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "LAMBDA_TASK_ROOT": str(ROOT),
}
"""What Lambda sets, and a stage; what `make run` has set counts more, and the caller's environment most."""


class NotInstalled(RuntimeError):
    """The emulator can't be started here; the message says why."""


def site_packages(environment: Path = ENVIRONMENT) -> Path:
    """Where the emulator and awslambdaric are installed.

    Raises:
        NotInstalled: they aren't, or can't be.
    """
    if sys.platform != "linux":
        raise NotInstalled("Lambda's runtime is for Linux only")
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(environment)}))
    if not (packages / "awslambdaric").is_dir():
        raise NotInstalled(
            f"{environment.name} is missing, or made for another Python: run make {environment.name}"
        )
    return packages


def emulator(packages: Path) -> Path:
    """The Runtime Interface Emulator that the SAM CLI ships."""
    machine = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    return packages / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{machine}"


@contextmanager
def serving(
    handler: str, port: int = 0, env: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[str]:
    """Run the emulator with that handler.

    Args:
        handler: module and function, importable from the working directory or PYTHONPATH.
        port: on 127.0.0.1; 0: a free one.
        env: the function's environment.
        log: a file for what the emulator and the function write; None: this process's output.

    Yields:
        The URL to POST events to.

    Raises:
        NotInstalled: the emulator isn't there.
        TimeoutError: it doesn't listen in time.
    """
    packages = site_packages()
    port = port or free_port()
    command = [
        str(emulator(packages)),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *(sys.executable, "-m", "awslambdaric", handler),
    ]
    given = dict(env or {})
    path = os.pathsep.join(filter(None, [str(ROOT), given.get("PYTHONPATH"), str(packages)]))
    output = log.open("wb") if log else None
    process = subprocess.Popen(
        command, env=given | {"PYTHONPATH": path}, stdout=output, stderr=output, start_new_session=True
    )
    try:
        _await(process, port)
        yield f"http://127.0.0.1:{port}{INVOCATIONS}"
    finally:
        _stop(process)
        if output:
            output.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """The function's environment: the defaults, then what `make run` has set, then the caller's."""
    lines = RUN_ENV.read_text().splitlines() if RUN_ENV.exists() else []
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    running = {name.strip(): " ".join(shlex.split(value)) for name, value in pairs}
    return DEFAULTS | running | os.environ


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"the emulator doesn't listen on port {port}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the emulator and the runtime that it has started, which is in its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--handler", default="functions.news.handler", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; default: a free one")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with serving(arguments.handler, arguments.port, environment()) as url:
            print(f"{arguments.handler} is served until Ctrl-C. Invoke it with an event:\n\n{example(url)}\n")
            signal.pause()
    except NotInstalled as error:
        sys.exit(f"make lambda: {error}")
    except KeyboardInterrupt:
        print()


def example(url: str) -> str:
    """A command that sends a request in the default front door's form."""
    event = (
        '{"version": "2.0", "rawPath": "/health", "rawQueryString": "", '
        '"requestContext": {"http": {"method": "GET"}}}'
    )
    return f"  curl -d '{event}' {url}"


if __name__ == "__main__":
    main()
