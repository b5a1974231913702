"""docs/first-week.md, followed in a copy of the project as far as one machine allows."""

import re
import signal
import subprocess
import sys

import pytest
import requests
import yaml

from support.environment import ROOT
from support.local_run import LocalRun
from support.project_copy import WITHOUT_COVERAGE, Copy
from tools.deploy.parameter_checks import check_parameters
from tools.deploy.parameters import read_parameters
from tools.deploy_local.emulator import REGION

TEXT = (ROOT / "docs" / "first-week.md").read_text()
COMMANDS = [each.partition(" #")[0].strip() for each in re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)]
INLINE = re.findall(r"`(make [^`]+)`", TEXT)
STAGES = {
    each["Stage"]: each
    for each in map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
}

NOT_RUN = {
    "git clone <this repository> my-service && cd my-service": "the copy stands for the clone",
    "make test": "this test is part of it; the tests of the new module run instead",
    "make deploy-sam STAGE=dev TOKEN=<a token of your issuer>": "make deploy-local deploys with SAM too",
    "make deploy-sam STAGE=prod": "its parameters are checked",
    "make rollback STAGE=dev": "see deployment_tests.py",
}
ENVIRONMENTS = (".venv-deploy", ".venv-emulator", ".venv-package")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project after the commands of Monday and Tuesday."""
    copy = Copy(tmp_path_factory.mktemp("first_week") / "my-service")
    for name in ENVIRONMENTS:
        (copy.folder / name).symlink_to(ROOT / name)
    copy.commit()
    return copy


def make(copy, command):
    assert command in COMMANDS
    code, output = copy.run(*command.split())
    assert code == 0, output
    copy.commit()


def test_every_command_is_run_or_has_a_reason():
    run = {"make run", "make rename-project NAME=my-service", "make module NAME=search", "make deploy-local"}
    assert {*COMMANDS, *INLINE} == run | NOT_RUN.keys()


def test_monday_the_service_runs_and_gets_its_name(copy, tmp_path):
    with LocalRun(tmp_path, root=copy.folder) as run:
        assert requests.get(f"http://{run.bind}/docs", timeout=30).status_code == 200
    make(copy, "make rename-project NAME=my-service")
    assert "my-service-${Stage}" in (copy.folder / "template.yaml").read_text()


def test_tuesday_a_module_is_added_and_tested(copy):
    make(copy, "make module NAME=search")
    code, output = copy.python("pytest", "--quiet", "tests/search_test.py")
    assert code == 0, output


def test_tuesday_both_modules_are_deployed_on_this_machine(copy):
    command = [sys.executable, "-m", "tools.deploy_local.run"]
    process = subprocess.Popen(
        command,
        cwd=copy.folder,
        env=WITHOUT_COVERAGE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        process.send_signal(signal.SIGINT)
    output = "".join(lines)
    assert process.returncode == 0, output
    assert "FAILED" not in output, output
    assert "ok       /news/ create and repeat\n" in output
    assert "ok       /search/ create and repeat\n" in output


@pytest.mark.parametrize("stage", STAGES)
def test_wednesday_and_friday_the_parameters_of_the_page_can_be_deployed(copy, stage):
    (copy.folder / "stages" / f"{stage}.yaml").write_text(yaml.safe_dump(STAGES[stage]))
    parameters = read_parameters(stage, [], copy.folder)
    check_parameters(parameters, f"my-service-{stage}", REGION, copy.folder)
    assert parameters["AuthIssuer"].startswith("https://cognito-idp.")
