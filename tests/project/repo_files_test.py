"""Repository files: the hooks, AGENTS.md, CONTRIBUTING.md, and messages of the Makefile."""

import re
import shlex
import subprocess

import pytest
import yaml

from support.environment import CLEAN, ROOT

HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
PAGES = ("AGENTS.md", "CONTRIBUTING.md")
COMMANDS = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make(*arguments, **env):
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=CLEAN | env, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_path_of_a_rules_page_exists(page):
    text = (ROOT / page).read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", text))
    assert named
    assert named <= COMMANDS
    for code in re.findall(r"`([^`\n]+)`", text):
        for word in code.split():
            if re.fullmatch(
                r"[\w.-]+/[\w./-]*|\w+\.(py|md|toml|yaml|yml|json)", word
            ) and not word.startswith("."):
                assert (ROOT / word).exists() or list(ROOT.glob(f"news/{word}")), word


def test_agents_md_fits_on_one_page():
    assert len((ROOT / "AGENTS.md").read_text().splitlines()) <= 60


def test_every_decorator_in_agents_md_exists():
    text = (ROOT / "AGENTS.md").read_text()
    source = "\n".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))
    decorators = re.findall(r"`@(\w+)`", text)
    assert decorators
    assert [name for name in decorators if f"def {name}(" not in source] == []


def test_the_pre_commit_hooks_are_local_and_part_of_make_lint():
    [repository] = HOOKS
    assert repository["repo"] == "local"
    lint = make("--dry-run", "lint")
    for hook in repository["hooks"]:
        program = shlex.split(hook["entry"])[0]
        assert program in lint
        assert hook["language"] == "system"


def test_no_color_disables_color():
    assert "--no-color-output" in make("--dry-run", "lint", NO_COLOR="1")  # mypy does not read NO_COLOR
    assert "--no-color-output" not in make("--dry-run", "lint")


QUIET = {
    "help",
    "token",
    "run",
    "run-lambda",
    "import",
    "create-tables",
    "openapi",
    "cost-estimate",
    "deploy-local",
    "package",
    "prune",
    "remove",
    "rename-project",
    "rollback",
    "module",
}
"""Commands whose program prints the message, and `token`, whose output is the token."""


@pytest.mark.parametrize("command", sorted(COMMANDS - QUIET))
def test_a_command_prints_what_it_does(command):
    recipe = re.search(rf"^{command}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if command == "setup":
        recipe = re.search(r"^\$\(READY\):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f'echo "{command}: ' in recipe[1]
