"""`sls deploy`, and `sam build && sam deploy`, with a cache in its network: deploy, use, update and remove.

sls deploys with a cache and updates to none, SAM the other way round. The tests of a tool run in order.
"""

import json
import platform

import pytest
from botocore.exceptions import ClientError

from deploy.project import SLS, TOOLS, Project, sls_options
from deploy.stand_in.api_gateway import probe
from deploy.stand_in.aws import Stack
from deploy.stand_in.deployed_api import WRITER, check_deployed_api
from deploy.stand_in.resource_connections import broken_connections
from support.environment import ROOT
from tools.package.python import runtime_version
from tools.package.sources import list_modules

PARAMETERS = {
    "AuthIssuer": WRITER["iss"],
    "AuthAudience": WRITER["aud"],
    "Runtime": f"python{runtime_version()}",
    "Architecture": "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64",
}

NAME = json.loads((ROOT / "package.json").read_text())["name"]


class Tool:
    """A deployment tool, in its own copy of the project."""

    def __init__(self, project, aws):
        self.project, self.aws = project, aws
        self.env = {"AWS_ENDPOINT_URL": aws.url, "ARCH": PARAMETERS["Architecture"]}

    @property
    def stack(self):
        return Stack(self.aws, self.name)


class Sls(Tool):
    name = f"{NAME}-sls"
    caches = ("true", "false")

    def deploy(self, **parameters):
        return self.run(SLS, "deploy", *sls_options({"Stage": "sls"} | PARAMETERS | parameters))

    def remove(self):
        self.run(SLS, "remove", *sls_options({"Stage": "sls"} | PARAMETERS))

    def run(self, *command):
        return self.project.run("sh", "-c", '"$@" 2>&1', "sh", *command, **self.env)


class Sam(Tool):
    name = f"{NAME}-sam"
    caches = ("false", "true")

    def deploy(self, **parameters):
        given = {"Stage": "sam"} | PARAMETERS | parameters
        overrides = [f"{name}={value}" for name, value in given.items()]
        self.run("build")
        return self.run("deploy", "--stack-name", self.name, "--parameter-overrides", *overrides)

    def remove(self):
        self.run("delete", "--stack-name", self.name, "--no-prompts")

    def run(self, *command):
        return self.project.run(TOOLS / "sam", *command, **self.env)


@pytest.fixture(scope="module", params=[Sls, Sam], ids=["sls", "sam"])
def tool(request, aws, tmp_path_factory):
    project = Project.copy(tmp_path_factory.mktemp(request.param.name) / "news")
    made = request.param(project, aws)
    made.deploy(Cache=made.caches[0])
    return made


@pytest.fixture(scope="module")
def code_hashes():
    """Code hashes of the functions that each tool deployed."""
    return {}


def test_resources_are_connected(tool):
    assert broken_connections(tool.stack) == []


def test_probe_reports_no_problem(tool, lambda_environment):
    lambda_environment.add_caches(tool.stack)
    lists = [f"/{module}" for module in list_modules()]
    output = probe(tool.stack, lambda_environment, ["GET", "/health"], *(["GET", path] for path in lists))
    assert 'GET /health 200 {"status":"ok"}' in output
    assert any(f'GET {path} 200 {{"items":[' in output for path in lists)  # the probe calls only one function


def test_deployed_api_creates_reads_and_lists(tool, lambda_environment):
    check_deployed_api(tool.stack, lambda_environment, number=1, has_cache=tool.caches[0] == "true")


def test_both_tools_deploy_the_same_bytes(tool, code_hashes):
    code_hashes[tool.name] = {
        handler: each["Configuration"]["CodeSha256"] for handler, each in tool.stack.functions().items()
    }
    assert code_hashes[tool.name] == next(iter(code_hashes.values()))


def test_update_switches_the_cache_and_publishes_new_code(tool, lambda_environment):
    code = tool.project.folder / "news" / "controller.py"
    code.write_text(code.read_text().replace('"""List news, newest first."""', '"""Lists news."""'))
    before = tool.stack.function()["Configuration"]
    tool.deploy(Cache=tool.caches[1], LogLevel="WARNING")
    after = tool.stack.function()["Configuration"]
    assert (before["Version"], after["Version"]) == ("1", "2")
    assert before["CodeSha256"] != after["CodeSha256"]
    assert after["Environment"]["Variables"]["LOG_LEVEL"] == "WARNING"
    assert len(tool.stack.ids("EC2::VPC")) == (tool.caches[1] == "true")
    assert broken_connections(tool.stack) == []
    check_deployed_api(tool.stack, lambda_environment, number=2, has_cache=tool.caches[1] == "true")


def test_removal_keeps_only_the_table(tool):
    stack, aws = tool.stack, tool.aws
    table = stack.outputs()["NewsTableName"]
    kept = {*stack.ids("DynamoDB::Table")}
    vpcs = [each["VpcId"] for each in aws.client("ec2").describe_vpcs()["Vpcs"]]
    tool.remove()
    with pytest.raises(ClientError, match="does not exist"):
        stack.described()
    assert not set(remaining(aws)) & {each for _, each in stack.resources.values()} - kept
    assert len(aws.client("ec2").describe_vpcs()["Vpcs"]) == len(vpcs) - len(stack.ids("EC2::VPC"))
    items = aws.client("dynamodb").scan(TableName=table)["Items"]
    assert len(items) == 2


def remaining(aws):
    """Yield the names of all resources on the emulator."""
    yield from (each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"])
    yield from (each["ApiId"] for each in aws.client("apigatewayv2").get_apis()["Items"])
    yield from (each["RoleName"] for each in aws.client("iam").list_roles()["Roles"])
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate()
    yield from (each["logGroupName"] for page in pages for each in page["logGroups"])
    yield from (each["UserId"] for each in aws.client("elasticache").describe_users()["Users"])
    yield from aws.client("dynamodb").list_tables()["TableNames"]
