"""`make deploy-local`: what it prints works, it leaves nothing behind, and it omits only what it must."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from support.environment import CLEAN, ROOT
from tools.deploy_local.emulator import Emulator, tool_environment
from tools.deploy_local.omissions import PARAMETERS, UNSUPPORTED

RUN = [sys.executable, "-m", "tools.deploy_local.run"]
GENERATED = (".aws-sam", ".serverless", "build")

UNKNOWN_TYPES = (
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::ElastiCache::ServerlessCache",
)
ALARM = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1}
METRIC = {"Id": "a", "Expression": "1 + 1"}


@contextmanager
def deployed(folder):
    """Run it until the end of the `with` block, and yield what it printed, by the first word of a line."""
    process = subprocess.Popen(
        RUN, cwd=ROOT, env=CLEAN | {"TMPDIR": str(folder)}, stdout=subprocess.PIPE, text=True
    )
    with process:
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            yield {line[:12].strip(): line[12:].strip() for line in lines}
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def shell(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout


def modified(name):
    path = ROOT / name
    return path.stat().st_mtime_ns if path.exists() else None


def test_printed_commands_work_and_nothing_is_left(tmp_path):
    before = {name: modified(name) for name in GENERATED}
    with deployed(tmp_path) as printed:
        port = int(printed["emulator"].rpartition(":")[2])
        assert '{"items":[],"next_cursor":null}' in shell(printed["read"])
        assert shell(printed["write"]).startswith("HTTP/1.1 201")
        assert '"title":"Hello"' in shell(printed["read"])
        functions = f"{sys.executable} -m tools.versions.prune --stage dev"
        assert "keeps 1; would delete none" in shell(f"{printed['AWS CLI']}; cd {ROOT}; {functions}")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert list(tmp_path.iterdir()) == []
    assert {name: modified(name) for name in GENERATED} == before


@pytest.fixture(scope="module")
def cloudformation(processes, tmp_path_factory):
    return Emulator(processes, tmp_path_factory.mktemp("emulator")).client("cloudformation")


@pytest.mark.parametrize("kind", UNKNOWN_TYPES)
def test_emulator_does_not_know_the_type(cloudformation, kind):
    template = f'{{"Resources": {{"X": {{"Type": "{kind}", "Properties": {{}}}}}}}}'
    with pytest.raises(cloudformation.exceptions.ClientError, match=f"Unrecognized resource types: .{kind}"):
        cloudformation.create_stack(StackName="x", TemplateBody=template)


def test_emulator_has_no_metric_math(cloudformation):
    properties = str(ALARM | {"Metrics": [METRIC]}).replace("'", '"')
    template = f'{{"Resources": {{"X": {{"Type": "AWS::CloudWatch::Alarm", "Properties": {properties}}}}}}}'
    cloudformation.create_stack(StackName="alarm", TemplateBody=template)
    with pytest.raises(Exception, match=r"ROLLBACK_COMPLETE|CREATE_FAILED"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="alarm")


def test_only_what_the_emulator_does_not_support_is_omitted():
    assert {each.name.partition(" ")[0] for each in UNSUPPORTED} == {
        "AWS::Budgets::Budget",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
    }
    assert PARAMETERS.keys() == {"Cache", "Deployment"}


def test_parameter_that_the_emulator_does_not_support_is_rejected():
    done = subprocess.run(
        [*RUN, "Cache=true"], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the emulator supports Cache=false only" in done.stderr


def test_tools_get_nothing_of_the_developers_account(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_ROLE_ARN"):
        monkeypatch.setenv(name, "of an account")
    environment = tool_environment("http://127.0.0.1:1")
    assert "of an account" not in environment.values()
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
