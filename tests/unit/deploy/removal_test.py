"""`make remove`, with moto as AWS and fake tools, and tables that are deleted with their stack."""

import json
import os
import shutil
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from support.environment import ROOT
from tools.deploy import remove, run
from tools.deploy.tables import BUILT_TEMPLATE

REGION = "eu-central-1"
TEMPLATE = {
    "Parameters": {"Stage": {"Type": "String", "Default": "pr-7"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
}
BUILT = {
    "Resources": {
        "NewsFunction": {"Type": "AWS::Serverless::Function", "UpdateReplacePolicy": "Retain"},
        "NewsTable": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "RetainExceptOnCreate"},
    }
}


@pytest.fixture(scope="module")
def aws():
    """AWS with a stack of the stage pr-7."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("cloudformation", region_name=REGION, endpoint_url=url, **keys)
    client.create_stack(StackName="news-pr-7", TemplateBody=json.dumps(TEMPLATE))
    yield url
    server.stop()


@pytest.fixture
def project(tmp_path, monkeypatch, aws):
    """The files of a deployment, a built template, and tools that write down how they were called."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "news"\n')
    shutil.copy(ROOT / "template.yaml", tmp_path / "template.yaml")
    (tmp_path / "bin").mkdir()
    for name in ("make", "npx", "sam"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho "$AWS_REGION" {name} "$@" >>\'{tmp_path}/calls\'\n')
        program.chmod(0o755)
    (tmp_path / BUILT_TEMPLATE).parent.mkdir(parents=True)
    (tmp_path / BUILT_TEMPLATE).write_text(yaml.safe_dump(BUILT))
    variables = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    variables |= {"AWS_ENDPOINT_URL": aws, "AWS_REGION": REGION, "SMOKE": "no", "STAGE": "pr-7"}
    for name, value in (variables | {"PATH": str(tmp_path / "bin")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CONFIRM", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("tool", "call"),
    [
        ("sam", "sam delete --stack-name news-pr-7 --no-prompts"),
        ("sls", "npx --no-install sls remove --stage pr-7"),
    ],
)
def test_a_confirmed_removal_calls_the_tool(project, monkeypatch, tool, call):
    monkeypatch.setenv("CONFIRM", "pr-7")
    with pytest.raises(SystemExit) as ended:
        remove.main([tool], project)
    assert ended.value.code == 0
    assert (project / "calls").read_text() == f"{REGION} {call}\n"


def test_nothing_is_removed_without_a_confirmation(project, monkeypatch):
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(SystemExit, match="set CONFIRM=pr-7"):
            remove.main(["sam"], project)
    assert not (project / "calls").exists()


def test_a_stage_without_a_stack_is_reported(project, monkeypatch, capsys):
    monkeypatch.setenv("STAGE", "pr-8")
    remove.main(["sam"], project)
    assert capsys.readouterr().out == f"remove: there is no stack news-pr-8 in {REGION}\n"
    assert not (project / "calls").exists()


@pytest.mark.parametrize(("value", "policy"), [("true", "RetainExceptOnCreate"), ("false", "Delete")])
def test_sam_deletes_tables_with_their_stack_on_request_only(project, monkeypatch, value, policy):
    monkeypatch.setenv("PARAMETERS", f"Cache=false RetainTables={value}")
    run.main(["sam"], project)
    resources = yaml.safe_load((project / BUILT_TEMPLATE).read_text())["Resources"]
    assert resources["NewsTable"]["DeletionPolicy"] == policy
    assert resources["NewsFunction"] == BUILT["Resources"]["NewsFunction"]
