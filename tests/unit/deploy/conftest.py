"""Fixtures of the checks before a deployment: AWS in moto, a project, and its stack."""

import json
import shutil

import boto3
import pytest
from moto.server import ThreadedMotoServer

from support.deploy_harness import REGION, RESOURCES
from support.environment import ROOT
from tools.deploy.run import BUILD_VARIABLES
from tools.deploy.stack import stack_name


@pytest.fixture(scope="module")
def aws():
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def project(tmp_path, monkeypatch, aws):
    """The files of a deployment, and tools that write down how they were called."""
    for name in ("template.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    (tmp_path / "bin").mkdir()
    for name in ("make", "npx", "sam"):
        program = tmp_path / "bin" / name
        program.write_text(
            f'#!/bin/sh\necho "$CONFIRM $AWS_REGION $AWS_DEFAULT_REGION" {name} "$@" >>\'{tmp_path}/calls\'\n'
        )
        program.chmod(0o755)
    variables = ("ALLOW", "AWS_DEFAULT_REGION", "AWS_PROFILE", "CONFIRM", "PARAMETERS", "STAGE")
    for name in (*variables, *BUILD_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    paths = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "PATH": str(tmp_path / "bin")}
    for name, value in (
        keys | paths | {"AWS_ENDPOINT_URL": aws, "AWS_REGION": REGION, "SMOKE": "no"}
    ).items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def stack(project, aws):
    """Return a function that creates the stack of the stage dev, with parameters and a function in a VPC."""
    client = boto3.client("cloudformation", region_name=REGION)

    def create(stage="dev", **parameters):
        template = {
            "Parameters": {name: {"Type": "String", "Default": value} for name, value in parameters.items()},
            "Resources": {
                name: {"Type": f"AWS::{kind}", "Properties": properties}
                for name, (kind, properties) in RESOURCES.items()
            },
        }
        names.append(stack_name(stage, project))
        client.create_stack(StackName=names[-1], TemplateBody=json.dumps(template))

    names = []
    yield create
    for name in names:
        client.delete_stack(StackName=name)
