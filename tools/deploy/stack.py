"""The stack of a stage as it is deployed now."""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from tools.deploy import DeployError


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        parameters: the values of its parameters; empty before the first deployment.
        in_network: function versions in the VPC of the cache, such as `news-dev-news:3`.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    in_network: tuple[str, ...] = ()


def stack_name(stage: str, root: Path) -> str:
    """Return the name of a stage's stack."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"]
    return f"{project}-{stage}"


def find_region() -> str:
    """Return the region of the environment, else that of `aws configure`.

    Raises:
        DeployError: there is none.
    """
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    if not session.region_name:
        raise DeployError("no region: run aws configure, or set AWS_REGION")
    return str(session.region_name)


def find_account(region: str) -> str:
    """Return the number of the AWS account."""
    return str(boto3.client("sts", region_name=region).get_caller_identity()["Account"])


def find_stack(name: str, region: str) -> Stack:
    """Return a stack; one without parameters if it does not exist."""
    client = boto3.client("cloudformation", region_name=region)
    try:
        [described] = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return Stack()
        raise
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}
    versions = [
        each for function in function_names(name, region) for each in _versions_in_vpc(function, region)
    ]
    return Stack(parameters, tuple(versions))


def function_names(stack: str, region: str) -> list[str]:
    """Return the names of the Lambda functions of a stack."""
    client = boto3.client("cloudformation", region_name=region)
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::Lambda::Function"
    ]


def _versions_in_vpc(name: str, region: str) -> list[str]:
    """Return the versions of a function that are in a VPC, as `name:version`."""
    client = boto3.client("lambda", region_name=region)
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    return [
        f"{name}:{version['Version']}"
        for page in pages
        for version in page["Versions"]
        if version.get("VpcConfig", {}).get("SubnetIds")
    ]
