"""Run artifacts in Lambda's own runtime, and send events to its emulator."""

import json
import platform
import urllib.error
import urllib.request

from support.environment import ROOT
from tools.local.lambda_runtime import Runtime
from tools.package.python import RUNTIME, runtime_python
from tools.package.uv import run, uv
from tools.package.wheels import PLATFORMS

HERE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
"""Architecture of this machine, as `make package` names it."""


def invoke(url, event):
    """Return status code and JSON body of the emulator's response."""
    call = urllib.request.Request(url, json.dumps(event).encode())
    try:
        with urllib.request.urlopen(call, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def runtime_of(artifact, folder):
    """Install awslambdaric into a folder, and return a runtime that serves the artifact with it."""
    to = ("--target", folder, "--python-platform", PLATFORMS[HERE], "--python-version", RUNTIME)
    wheels = ("--only-binary", ":all:", "--require-hashes", "--no-deps")
    run(uv(), "pip", "install", "--quiet", *to, *wheels, "-r", ROOT / "requirements-lambda.txt")
    return Runtime(runtime_python(), folder, artifact)
