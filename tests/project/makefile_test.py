"""The variables of the Makefile: each value reaches its program unchanged, and no shell runs it."""

import os
import re
import subprocess

import pytest

from support.environment import CLEAN, ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE)
INPUTS = re.search(r"^INPUTS := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)[1].replace("\\\n", "").split()
TOOLS = (
    "bandit",
    "check-jsonschema",
    "coverage",
    "lint-imports",
    "mypy",
    "pip",
    "python",
    "ruff",
    "uv",
    "zizmor",
)
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
    """A project of the Makefile and programs that only record their arguments."""
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
    for age, name in enumerate(INSTALLED, 2):  # the others depend on the first
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "ready").touch()
        os.utime(tmp_path / name / "ready", (age, age))
    return tmp_path


def make(project, *arguments, **env):
    return subprocess.run(
        ["make", "--keep-going", *arguments],
        cwd=project,
        env=CLEAN | env | {"PATH": f"{project}/bin:{CLEAN['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def calls(project):
    """Return the name and the arguments of each call."""
    return [call.split("\n") for call in (project / "calls").read_text().split("\nEND\n")]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("origin", ["command line", "environment"])
def test_no_command_executes_the_value_of_a_variable(project, origin, value):
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
def test_no_build_executes_the_name_of_a_function(project, value):
    make(project, f"build-{value}Function", f"ARTIFACTS_DIR={value}")
    assert not (project / "pwned").exists()


def test_a_build_passes_the_module_and_the_folder_of_a_function(project):
    make(project, "build-BreakingNewsFunction", "ARTIFACTS_DIR=/tmp/a b", "ARCH=x86_64", "DOCS=yes")
    package = ["--arch", "x86_64", "--docs", "--into=/tmp/a b", "--", "breaking_news"]
    assert calls(project)[1] == ["bin/python3", "-m", "tools.package.builder", *package]


@pytest.mark.parametrize("value", [*VALUES, "two words", "a:b", "a%", ""])
def test_an_interpreter_with_special_characters_is_rejected(project, value):
    made = make(project, "package", f"PYTHON={value}")
    assert made.returncode == 2
    assert "PYTHON must name one program" in made.stderr
    assert not (project / "pwned").exists()


def test_commands_without_variables_use_defaults(project):
    assert make(project, "run-lambda", "token", "deploy-sls", "fuzz").returncode == 0
    made = calls(project)
    assert [".venv/bin/python", "-m", "tools.local.token", "--scope=news:write"] in made
    handler = ["--handler=functions.news.handler", "--port=0"]
    assert [".venv/bin/python", "-m", "tools.local.lambda_runtime", *handler] in made
    assert [".venv/bin/python", "-m", "tools.deploy.run", "sls"] in made


def test_setup_installs_uv_with_pip_and_the_rest_with_uv(project):
    (project / ".venv" / "ready").unlink()
    assert make(project, "setup").returncode == 0
    python, pip, uv, *others = calls(project)[1:-1]
    assert python == ["bin/python3", "-m", "venv", ".venv"]
    assert pip[-3:] == ["--require-hashes", "-r", "/dev/stdin"]
    locked = ["-c", "requirements/dev.txt", "-r", "pyproject.toml", "--extra", "serve", "--extra", "verifier"]
    assert uv[-10:] == [*locked, "--group", "dev"]
    assert all("--require-hashes" in call for call in others if call[0] == ".venv/bin/uv")


def test_a_list_is_passed_as_separate_words(project):
    make(project, "package", "MODULE=news search")
    made = calls(project)
    assert ["bin/python3", "-m", "tools.package.builder", "--arch", "arm64", "--", "news", "search"] in made


def test_a_part_of_the_tests_needs_no_coverage_of_the_whole(project):
    make(project, "test", "TESTS=tests/api_test.py")
    make(project, "test")
    reports = [call for call in calls(project) if call[:2] == [".venv/bin/coverage", "report"]]
    assert reports == [[".venv/bin/coverage", "report", "--fail-under=0"], [".venv/bin/coverage", "report"]]
