"""The Docker engine, where one answers."""

import shutil
import subprocess
import time

import pytest

from support.environment import ROOT


def docker(*arguments, cwd=ROOT):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def works(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, check=False).returncode == 0


def need_engine():
    if not shutil.which("docker") or not works("info"):
        pytest.skip("no Docker engine answers (DOCKER_HOST names one)")


def build(target):
    need_engine()
    return docker("build", "--quiet", "--target", target, ".")


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
