"""The Lambda Runtime Interface Emulator in tests: sends events, and runs packaged artifacts."""

import json
import platform
import urllib.error
import urllib.request

from support.environment import ROOT
from tools.local.lambda_runtime import Runtime
from tools.package.python import runtime_python, runtime_version
from tools.package.uv import run, uv
from tools.package.wheels import PLATFORMS

HERE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
"""The architecture of artifacts that run on this machine."""


def invoke(url, event):
    """Send an event to the emulator; return the status code and the JSON of its response."""
    request = urllib.request.Request(url, json.dumps(event).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def make_runtime(artifact, folder):
    """Return a runtime that serves an artifact as Lambda does. Install awslambdaric into the folder."""
    target = ("--target", folder, "--python-platform", PLATFORMS[HERE], "--python-version", runtime_version())
    wheels = ("--only-binary", ":all:", "--require-hashes", "--no-deps")
    packages = ("-c", ROOT / "requirements" / "deploy.txt", "--group", "lambda")
    run(uv(), "pip", "install", "--quiet", *target, *wheels, *packages)
    return Runtime(runtime_python(), folder, artifact)
