"""A stack of a stage, and the outcome of a deployment with fake tools."""

import pytest

from tools.deploy import run

REGION = "eu-central-1"
IN_NETWORK = {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Ref": "Group"}]}
FUNCTION = {
    "Handler": "functions.news.handler",
    "Runtime": "python3.13",
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Code": {"ZipFile": "pass"},
}
RESOURCES = {
    "Role": ("IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}),
    "Vpc": ("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
    "Subnet": ("EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}),
    "Group": ("EC2::SecurityGroup", {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "functions"}),
    "Function": ("Lambda::Function", FUNCTION | {"VpcConfig": IN_NETWORK}),
}


def calls(project):
    file = project / "calls"
    return file.read_text().splitlines() if file.exists() else []


def overrides(stage):
    return f"--parameter-overrides file://.aws-sam/parameters-{stage}.yaml"


def refusal(project, tool="sam"):
    """Return the one line with which a deployment stops before its tool starts."""
    with pytest.raises(SystemExit) as stopped:
        run.main([tool], project)
    assert calls(project) == []
    assert "\n" not in stopped.value.code
    return stopped.value.code
