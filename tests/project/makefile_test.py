"""The Makefile's variables: each value reaches its program as it was given, and nothing ever runs it."""

import os
import re
import subprocess

import pytest

from support.environment import CLEAN, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE)
INPUTS = re.search(r"^INPUTS := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)[1].replace("\\\n", "").split()
TOOLS = ("bandit", "coverage", "lint-imports", "mypy", "pip", "python", "ruff", "uv")
PROGRAMS = [
    "bin/npm",
    "bin/npx",
    "bin/python3",
    "bin/sam",
    ".venv-bench/bin/python",
    ".venv-deploy/bin/sam",
    ".venv-load/bin/locust",
    *(f".venv/bin/{name}" for name in TOOLS),
]
INSTALLED = [
    ".venv",
    ".venv-bench",
    ".venv-deploy",
    ".venv-emulator",
    ".venv-load",
    "benchmarks/node_modules",
    "node_modules/osls",
]
VALUES = [
    "x; touch pwned",
    "x && touch pwned",
    "x | touch pwned",
    "x > pwned",
    "x\ntouch pwned",
    "$(touch pwned)",
    "$$(touch pwned)",
    "$(shell touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    '$"\\"; touch pwned #',
    "it's $HOME #1 \\n, 100 %",
]


@pytest.fixture
def project(tmp_path):
    """The Makefile among programs that write down how they were called, and do nothing."""
    for folder in ("benchmarks", "requirements"):
        (tmp_path / folder).mkdir()
    locks = (f"requirements/{lock.name}" for lock in ROOT.glob("requirements/*.txt"))
    for name in ("Makefile", "package-lock.json", "benchmarks/package-lock.json", *locks):
        (tmp_path / name).write_text((ROOT / name).read_text())
        os.utime(tmp_path / name, (1, 1))
    for name in PROGRAMS:
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' {name} \"$@\" END >>'{tmp_path}/calls'\n")
        program.chmod(0o755)
    for age, name in enumerate(INSTALLED, 2):  # what is installed first is what the others need
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "ready").touch()
        os.utime(tmp_path / name / "ready", (age, age))
    return tmp_path


def make(project, *arguments, **env):
    clean = {name: value for name, value in CLEAN.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "--keep-going", *arguments],
        cwd=project,
        env=clean | env | {"PATH": f"{project}/bin:{CLEAN['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def calls(project):
    """How each program was called: its name and its arguments."""
    return [call.split("\n") for call in (project / "calls").read_text().split("\nEND\n")]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("origin", ["command line", "environment"])
def test_no_command_runs_what_a_variable_holds(project, origin, value):
    given = dict.fromkeys(set(INPUTS) - {"PYTHON"}, value)
    if origin == "command line":
        made = make(project, *COMMANDS, *(f"{name}={text}" for name, text in given.items()))
    else:
        made = make(project, *COMMANDS, **given)
    assert made.returncode == 0, made.stderr
    assert not (project / "pwned").exists()
    lines = value.split("\n")
    assert [".venv/bin/python", "-m", "tools.scaffold.new_module", "--", *lines] in calls(project)
    assert [
        ".venv/bin/python",
        "-m",
        "tools.local.import_news",
        f"--format={lines[0]}",
        *lines[1:],
        "--",
        *lines,
    ] in calls(project)


@pytest.mark.parametrize("value", [value for value in VALUES if "=" not in value])
def test_no_build_of_a_function_runs_what_its_name_holds(project, value):
    make(project, f"build-{value}Function", f"ARTIFACTS_DIR={value}")
    assert not (project / "pwned").exists()


def test_a_build_names_the_module_of_a_function_and_its_folder(project):
    make(project, "build-BreakingNewsFunction", "ARTIFACTS_DIR=/tmp/a b", "ARCH=x86_64", "DOCS=yes")
    package = ["--arch", "x86_64", "--docs", "--into=/tmp/a b", "--", "breaking_news"]
    assert calls(project)[1] == ["bin/python3", "-m", "tools.package.builder", *package]


@pytest.mark.parametrize("value", [*VALUES, "two words", "a:b", "a%", ""])
def test_an_interpreter_that_is_no_plain_name_is_refused(project, value):
    made = make(project, "package", f"PYTHON={value}")
    assert made.returncode == 2
    assert "PYTHON must name one program" in made.stderr
    assert not (project / "pwned").exists()


def test_without_variables_commands_have_defaults(project):
    assert make(project, "run-lambda", "token", "deploy-sls", "fuzz").returncode == 0
    made = calls(project)
    assert [".venv/bin/python", "-m", "tools.local.token", "--scope=news:write"] in made
    handler = ["--handler=functions.news.handler", "--port=0"]
    assert [".venv/bin/python", "-m", "tools.local.lambda_runtime", *handler] in made
    assert [".venv/bin/python", "-m", "tools.deploy.run", "sls"] in made


def test_a_list_is_given_to_the_program_word_by_word(project):
    make(project, "package", "MODULE=news search")
    made = calls(project)
    assert ["bin/python3", "-m", "tools.package.builder", "--arch", "arm64", "--", "news", "search"] in made
