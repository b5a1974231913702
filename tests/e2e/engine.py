"""Commands for the Docker engine; tests are skipped without one."""

import shutil
import subprocess
import time

import pytest

from support.environment import ROOT


def docker(*arguments, cwd=ROOT):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def succeeds(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, check=False).returncode == 0


def require_engine():
    if not shutil.which("docker") or not succeeds("info"):
        pytest.skip("no Docker engine is reachable; set DOCKER_HOST to use another one")


def build(target):
    require_engine()
    return docker("build", "--quiet", "--target", target, ".")


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
