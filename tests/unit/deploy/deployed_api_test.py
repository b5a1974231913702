"""The smoke test after a deployment, with a stack of moto's CloudFormation."""

import json

import boto3
import pytest
from moto import mock_aws

from tools.deploy import DeployError
from tools.deploy.deployed_api import check_deployed_api

REGION = "eu-central-1"


@pytest.fixture
def stack(monkeypatch):
    """A stack whose API does not respond."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"ApiUrl": {"Value": "http://127.0.0.1:9"}},
    }
    with mock_aws():
        boto3.client("cloudformation", REGION).create_stack(
            StackName="news-dev", TemplateBody=json.dumps(template)
        )
        yield "news-dev"


def test_a_failed_smoke_test_fails_the_command_and_names_the_way_back(stack, capsys):
    with pytest.raises(
        DeployError, match=r"^news-dev is deployed, and its smoke test failed: make rollback STAGE=dev"
    ):
        check_deployed_api(stack, "dev", REGION)
    assert capsys.readouterr().out.startswith("FAILED   openapi.json: GET http://127.0.0.1:9/openapi.json")


def test_smoke_no_skips_it(stack, monkeypatch, capsys):
    monkeypatch.setenv("SMOKE", "no")
    check_deployed_api(stack, "dev", REGION)
    assert capsys.readouterr().out == ""
