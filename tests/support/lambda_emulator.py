"""Lambda's own runtime for a test: an event that its emulator is sent, and an artefact that it is to run."""

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
"""The architecture of artefacts that run on this machine."""


def invoke(url, event):
    """The status and the JSON of what the emulator answers."""
    call = urllib.request.Request(url, json.dumps(event).encode())
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def runtime_of(artefact, folder):
    """What serves an artefact as Lambda would; into the folder goes awslambdaric for Lambda's Python."""
    to = ("--target", folder, "--python-platform", PLATFORMS[HERE], "--python-version", RUNTIME)
    wheels = ("--only-binary", ":all:", "--require-hashes", "--no-deps")
    run(uv(), "pip", "install", "--quiet", *to, *wheels, "-r", ROOT / "requirements-lambda.txt")
    return Runtime(runtime_python(), folder, artefact)
