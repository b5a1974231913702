"""Repository files: the workflow, the hooks, AGENTS.md, CONTRIBUTING.md, and messages of the Makefile."""

import json
import re
import shlex
import subprocess

import pytest
import yaml

from support.environment import CLEAN, ROOT

DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text()
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
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


def test_ci_runs_existing_commands_on_every_supported_python():
    jobs = yaml.safe_load(WORKFLOW)["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert set(re.findall(r"run: make ([a-z-]+)", WORKFLOW)) <= COMMANDS
    assert {"test", "check-deploy"} <= jobs.keys()


def test_workflows_pin_every_action_to_a_commit_with_its_version():
    folder = ROOT / ".github" / "workflows"
    used = [
        line for file in folder.glob("*.y*ml") for line in file.read_text().splitlines() if "uses:" in line
    ]
    assert used
    pinned = r"#? *- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [line for line in used if not re.fullmatch(pinned, line.strip())] == []


def test_each_action_has_one_version_and_commit():
    used = set(re.findall(r"uses: (\S+)@(\S+) # (\S+)", WORKFLOW))
    assert len(used) == len({action for action, _, _ in used})


def test_dependabot_updates_the_actions():
    [update] = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("github-actions", "/")


def test_ci_fails_if_the_audit_is_skipped():
    steps = yaml.safe_load(WORKFLOW)["jobs"]["test"]["steps"]
    assert [step["env"] for step in steps if step.get("run") == "make test"] == [{"AUDIT_REQUIRED": "yes"}]


def test_the_commented_deployment_is_valid_when_uncommented():
    lines = WORKFLOW.split("#\n", 1)[1].splitlines()
    example = yaml.safe_load("\n".join(line.removeprefix("#") for line in lines))
    assert example["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert set(example["deploy"]["needs"]) == yaml.safe_load(WORKFLOW)["jobs"].keys()


def test_the_deployment_role_trusts_the_environment_of_the_job():
    lines = WORKFLOW.split("#\n", 1)[1].splitlines()
    job = yaml.safe_load("\n".join(line.removeprefix("#") for line in lines))["deploy"]
    policy = json.loads(re.search(r"```json\n(.*?)```", DEPLOYMENT, re.DOTALL)[1])
    [trusted] = policy["Statement"]
    issuer = trusted["Principal"]["Federated"].partition("oidc-provider/")[2]
    subject = trusted["Condition"]["StringEquals"][f"{issuer}:sub"]
    assert subject.endswith(f":environment:{job['environment']}")
    assert trusted["Condition"]["StringEquals"][f"{issuer}:aud"] == "sts.amazonaws.com"


def test_a_push_cancels_no_running_deployment():
    concurrency = yaml.safe_load(WORKFLOW)["concurrency"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


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
