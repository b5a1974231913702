"""The Python that compiles an artifact, and the runtime that tests use."""

import subprocess
import sys

import pytest

from support.artifacts import package
from support.environment import CLEAN, ROOT
from tools.package.python import RUNTIMES

NO_CHOICE = {"RUNTIME": "", "RUNTIME_PYTHON": ""}


def test_runtime_python_must_have_lambdas_version(tmp_path):
    result = package("news", "--into", tmp_path, RUNTIME="", RUNTIME_PYTHON="/no/such/python")
    assert result.returncode == 1
    line = f"package: RUNTIME_PYTHON: '/no/such/python' is not a CPython {RUNTIMES[0]}\n"
    assert result.stderr == line


def test_missing_python_of_lambdas_version_fails_with_one_line(python, tmp_path):
    no_python = dict.fromkeys(("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), str(tmp_path))
    result = package("news", "--into", tmp_path / "x", UV_OFFLINE="1", **no_python, **NO_CHOICE)
    assert result.returncode == 1
    assert result.stderr == (
        f"package: compiling for Lambda needs CPython {RUNTIMES[0]}, which uv cannot install here: "
        f"set RUNTIME_PYTHON=/path/to/python{RUNTIMES[0]}, or RUNTIME to another version of Lambda's\n"
    )


def test_an_unsupported_runtime_fails_with_one_line(tmp_path):
    result = package("news", "--into", tmp_path / "x", RUNTIME="python3.9")
    assert result.returncode == 1
    assert result.stderr == "package: RUNTIME: 'python3.9' is not one of python3.14, python3.13, python3.15\n"


def run_command(name, env):
    command = [sys.executable, "-m", "tools.package.python", name]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(("installed", "runtime"), [(RUNTIMES, "python3.14"), (RUNTIMES[1:], "python3.13")])
def test_tests_use_the_newest_runtime_that_is_installed(tmp_path, installed, runtime):
    for version in installed:
        interpreter = tmp_path / f"python{version}"
        interpreter.write_text(f"#!/bin/sh\necho cpython-{version.replace('.', '')}\n")
        interpreter.chmod(0o755)
    folders = dict.fromkeys(("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), str(tmp_path))
    env = CLEAN | folders | NO_CHOICE | {"UV_OFFLINE": "1"}
    done = run_command("runtime", env)
    assert done.stdout == f"{runtime}\n"
    is_default = installed == RUNTIMES
    assert done.stderr == (
        "" if is_default else "package: no CPython 3.14 is installed: testing with python3.13\n"
    )
    path = run_command("interpreter", env | {"RUNTIME": runtime}).stdout
    assert path == f"{tmp_path}/{runtime}\n"  # absolute: it also starts in an environment without PATH
