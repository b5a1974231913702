"""What a newcomer's tools read: workflows, hooks, editors' settings, and the pages for people and agents."""

import re
import shlex
import subprocess

import pytest
import yaml

from support.environment import CLEAN, ROOT

WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
PAGES = ("AGENTS.md", "CONTRIBUTING.md")
COMMANDS = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make(*arguments, **env):
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=CLEAN | env, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_path_of_a_page_exists(page):
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


def test_the_page_for_agents_is_one_page():
    assert len((ROOT / "AGENTS.md").read_text().splitlines()) <= 60


def test_the_decorators_and_modules_that_the_page_for_agents_names_are_there():
    text = (ROOT / "AGENTS.md").read_text()
    source = "\n".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))
    decorators = re.findall(r"`@(\w+)`", text)
    assert decorators
    assert [name for name in decorators if f"def {name}(" not in source] == []


def test_ci_tests_every_supported_python_with_commands_that_exist():
    jobs = yaml.safe_load(WORKFLOW)["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert set(re.findall(r"run: make ([a-z-]+)", WORKFLOW)) <= COMMANDS
    assert {"test", "check-deploy"} <= jobs.keys()


def test_workflows_pin_every_action_to_a_commit_and_name_its_version():
    folder = ROOT / ".github" / "workflows"
    used = [
        line for file in folder.glob("*.y*ml") for line in file.read_text().splitlines() if "uses:" in line
    ]
    assert used
    pinned = r"#? *- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [line for line in used if not re.fullmatch(pinned, line.strip())] == []


def test_one_version_of_an_action_is_one_commit():
    used = set(re.findall(r"uses: (\S+)@(\S+) # (\S+)", WORKFLOW))
    assert len(used) == len({action for action, _, _ in used})


def test_the_actions_are_kept_fresh():
    [update] = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("github-actions", "/")


def test_ci_fails_where_the_audit_is_skipped():
    steps = yaml.safe_load(WORKFLOW)["jobs"]["test"]["steps"]
    assert [step["env"] for step in steps if step.get("run") == "make test"] == [{"AUDIT_REQUIRED": "yes"}]


def test_the_example_of_a_deployment_is_right_once_it_is_uncommented():
    lines = WORKFLOW.split("#\n", 1)[1].splitlines()
    example = yaml.safe_load("\n".join(line.removeprefix("#") for line in lines))
    assert example["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert set(example["deploy"]["needs"]) == yaml.safe_load(WORKFLOW)["jobs"].keys()


def test_the_hooks_are_local_and_those_of_make_lint():
    [repository] = HOOKS
    assert repository["repo"] == "local"
    lint = make("--dry-run", "lint")
    for hook in repository["hooks"]:
        program = shlex.split(hook["entry"])[0]
        assert program in lint
        assert hook["language"] == "system"


def test_without_colour_nothing_is_coloured():
    assert "--no-color-output" in make("--dry-run", "lint", NO_COLOR="1")  # mypy alone doesn't know NO_COLOR
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
    "package",
    "rename-project",
    "module",
}
"""Commands whose program says what it does, and `token`, whose output is the token."""


@pytest.mark.parametrize("command", sorted(COMMANDS - QUIET))
def test_a_command_says_what_it_does(command):
    recipe = re.search(rf"^{command}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    if command == "setup":
        recipe = re.search(r"^\$\(READY\):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f'echo "{command}: ' in recipe[1]
