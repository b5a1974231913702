"""The workflows of GitHub Actions: what they run, what they may do, and what they never cancel."""

import json
import re

import pytest
import yaml

from support.environment import ROOT
from tools.package.python import RUNTIMES

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {file.stem: file.read_text() for file in sorted(FOLDER.glob("*.yml"))}
WORKFLOWS = {name: yaml.load(text, yaml.BaseLoader) for name, text in TEXTS.items()}
JOBS = [(name, job, each) for name, workflow in WORKFLOWS.items() for job, each in workflow["jobs"].items()]
STEPS = [(name, step) for name, _, job in JOBS for step in job.get("steps", [])]
BOOTSTRAP = (ROOT / "bootstrap.yaml").read_text()
PAGE = (ROOT / "docs" / "pipeline.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
ACTIVE = "vars.AWS_ACCOUNT_ID != '' && vars.AWS_REGION != ''"
INACTIVE = "vars.AWS_ACCOUNT_ID == '' || vars.AWS_REGION == ''"
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def calls(name):
    """Yield the steps of a workflow that run make, with the environment that they get."""
    for job in WORKFLOWS[name]["jobs"].values():
        for step in job.get("steps", []):
            if re.search(r"^\s*(?:[A-Z]+=\S+ )*make ", step.get("run", ""), re.MULTILINE):
                yield step["run"], job.get("env", {}) | step.get("env", {})


def test_the_workflows_are_those_of_the_documentation():
    assert set(TEXTS) == {"ci", "deploy", "deploy-stage", "preview", "rollback", "upgrade"}
    assert [name for name in TEXTS if f"`{name}.yml`" not in PAGE] == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_workflow_calls_existing_make_targets_with_existing_variables(name):
    targets = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
    inputs = set(re.search(r"^INPUTS := ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)[1].split())
    for run, env in calls(name):
        for variables, words in re.findall(r"^\s*((?:[A-Z]+=\S+ )*)make (.*)", run, re.MULTILINE):
            given = [word for word in words.split() if "=" not in word]
            assert set(given) <= targets, run
            assert set(re.findall(r"([A-Z]+)=", variables + words)) <= inputs
        assert {each for each in env if not each.startswith("GH_")} <= inputs | {"NUMBER"}


def test_every_action_is_pinned_to_a_commit_with_its_version():
    used = [line for text in TEXTS.values() for line in text.splitlines() if "uses:" in line]
    actions = [line for line in used if "uses: ./" not in line]
    assert actions
    pinned = r"(?:- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [line for line in actions if not re.fullmatch(pinned, line.strip())] == []
    versions = set(re.findall(r"uses: (\S+)@(\S+) # (\S+)", "\n".join(actions)))
    assert len(versions) == len({action for action, _, _ in versions})


def test_no_workflow_gives_credentials_to_foreign_code():
    triggers = {trigger for workflow in WORKFLOWS.values() for trigger in workflow["on"]}
    assert triggers == {"pull_request", "push", "schedule", "workflow_call", "workflow_dispatch"}
    for job in ("deploy", "remove"):
        assert SAME_REPOSITORY in WORKFLOWS["preview"]["jobs"][job]["if"]


def test_permissions_are_granted_by_job_and_no_more_than_needed():
    allowed = {
        "upgrade.propose": {"contents": "write", "pull-requests": "write"},
        "upgrade.report": {"issues": "write"},
        "preview.remove": {"contents": "read", "id-token": "write", "pull-requests": "read"},
    }
    assert all(workflow["permissions"] == {} for workflow in WORKFLOWS.values())
    for name, job, each in JOBS:
        deploys = "deploy-stage.yml" in each.get("uses", "") or "environment" in each
        usual = {"contents": "read"} | ({"id-token": "write"} if deploys else {})
        assert each.get("permissions", {}) in (allowed.get(f"{name}.{job}", usual), {}), (name, job)
    checkouts = [step for _, step in STEPS if "actions/checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_only_the_checks_of_a_pull_request_are_ever_cancelled():
    for name, workflow in WORKFLOWS.items():
        settings = [
            workflow.get("concurrency"),
            *(job.get("concurrency") for job in workflow["jobs"].values()),
        ]
        for each in filter(None, settings):
            expected = "${{ github.event_name == 'pull_request' }}" if name == "ci" else "false"
            assert each["cancel-in-progress"] == expected, name
    assert "github.run_id" in WORKFLOWS["ci"]["concurrency"]["group"]


def test_whatever_changes_a_stage_waits_for_the_other_changes():
    groups = {
        f"{name}.{job}": each.get("concurrency", {}).get("group")
        for name, job, each in JOBS
        if "environment" in each
    }
    stage = "deploy-${{ inputs.stage }}"
    assert groups["deploy-stage.deploy"] == groups["rollback.rollback"] == stage
    assert "format('deploy-pr-{0}', github.event.pull_request.number)" in groups["preview.remove"]
    assert (
        WORKFLOWS["preview"]["jobs"]["deploy"]["with"]["stage"]
        == "pr-${{ github.event.pull_request.number }}"
    )


@pytest.mark.parametrize("name", ["deploy", "preview", "rollback"])
def test_the_pipeline_is_active_when_two_variables_are_set_and_says_so_otherwise(name):
    jobs = WORKFLOWS[name]["jobs"]
    assert INACTIVE in jobs["inactive"]["if"]
    [step] = jobs["inactive"]["steps"]
    assert step["run"].startswith('echo "::notice ')
    active = [job for job in jobs.values() if ACTIVE in job.get("if", "")]
    needed = [job for job in jobs.values() if job.get("needs") == "dev"]
    assert len(active) + len(needed) == len(jobs) - ("check" in jobs) - 1


def test_prod_is_deployed_after_dev_and_dev_after_the_checks():
    jobs = WORKFLOWS["deploy"]["jobs"]
    assert WORKFLOWS["deploy"]["on"] == {"push": {"branches": ["main"]}}
    assert jobs["check"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("check", "dev")
    assert jobs["prod"]["with"] == {"environment": "prod", "stage": "prod"}


def test_every_deployment_is_smoke_tested():
    for name in ("deploy-stage", "rollback"):
        runs = [run for run, _ in calls(name)]
        assert runs[-1] == "make smoke"
        assert len(runs) == 2


def test_parameters_of_the_workflows_exist():
    template = (ROOT / "template.yaml").read_text().partition("\nRules:")[0]
    declared = set(re.findall(r"^  (\w+):", template.partition("\nParameters:\n")[2], re.MULTILINE))
    parameters = WORKFLOWS["preview"]["jobs"]["deploy"]["with"]["parameters"]
    assert parameters.startswith("Cache=false RetainTables=false")
    [deployment] = [env for run, env in calls("deploy-stage") if "deploy-sam" in run]
    used = set(re.findall(r"\b([A-Z]\w+)=", f"{parameters} {deployment['PARAMETERS']}"))
    assert used <= declared


def test_jobs_use_the_roles_and_boundaries_of_the_bootstrap():
    roles = re.findall(r":role/(\S+)", "".join(TEXTS.values()))
    prefix = re.search(r"RoleName: !Sub '(.+)\$\{Environment\}'", BOOTSTRAP)[1]
    assert {role.partition("$")[0].removesuffix("preview") for role in roles} == {prefix}
    boundary = re.search(r"ManagedPolicyName: !Sub '(.+)'", BOOTSTRAP)[1]
    assert boundary.replace("${Environment}", "${{ inputs.environment }}") in TEXTS["deploy-stage"]
    environments = {job["with"]["environment"] for _, _, job in JOBS if "environment" in job.get("with", {})}
    assert environments == {"dev", "prod", "preview"}


def test_the_checks_run_on_every_supported_python_and_cannot_be_skipped():
    jobs = WORKFLOWS["ci"]["jobs"]
    tested = jobs["test"]["strategy"]["matrix"]["python"]
    assert tested == ["3.11", "3.12", "3.13", "3.14", "3.15"]
    assert f"`make test` on Python {tested[0]} to {tested[-1]}" in PAGE
    [env] = [env for run, env in calls("ci") if run == "make test"]
    assert env == {"AUDIT_REQUIRED": "yes"}
    versions = {step["with"]["python-version"] for _, step in STEPS if "setup-python" in step.get("uses", "")}
    assert versions == {"${{ matrix.python }}", RUNTIMES[0]}


def test_the_trust_policy_in_the_documentation_is_that_of_the_bootstrap():
    documented = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    [statement] = documented["Statement"]
    conditions = statement["Condition"]["StringEquals"]
    assert conditions.keys() == set(re.findall(r"^ +(token\S+:(?:aud|sub)):", BOOTSTRAP, re.MULTILINE))
    subject = re.search(r":sub: !Sub '(.+)'", BOOTSTRAP)[1]
    written = subject.replace("${Repository}", r"OWNER@\d+/REPOSITORY@\d+").replace("${Environment}", "prod")
    [documented_subject] = [value for name, value in conditions.items() if name.endswith(":sub")]
    assert re.fullmatch(written, documented_subject)


def test_dependabot_updates_everything_but_the_packages_of_upgrade():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    ecosystems = {each["package-ecosystem"] for each in updates}
    assert ecosystems == {"docker", "docker-compose", "github-actions", "npm"}
    [npm] = [each for each in updates if each["package-ecosystem"] == "npm"]
    locks = {f"{path.removeprefix('/')}/package-lock.json".removeprefix("/") for path in npm["directories"]}
    assert locks == {"package-lock.json", "benchmarks/package-lock.json"}
    assert "make lock UPGRADE=yes" in TEXTS["upgrade"]
