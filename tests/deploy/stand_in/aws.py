"""The stand-in for AWS: starts it, and reads the stacks deployed to it."""

import contextlib
from pathlib import Path

import boto3
import requests
import yaml

from deploy.project import REGION, TOOLS
from support.environment import SHARED
from tools.deploy.template import Loader
from tools.local.processes import free_port, wait_for_port

FAKE_AWS = SHARED / "lab" / "aws" / "fake_aws.py"
ACCOUNT = "123456789012"
HANDLER = "functions.news.handler"
CACHE_HOST = "news-x1.serverless.euc1.cache.amazonaws.com"


class StandIn:
    """A running stand-in for AWS: moto with additions, see moto_server.py."""

    def __init__(self, processes, log):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [TOOLS / "python", Path(__file__).parent / "moto_server.py", FAKE_AWS, port]
        env = {
            "FAKE_CACHE_HOST": CACHE_HOST,
            "MOTO_ACCOUNT_ID": ACCOUNT,
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        }
        wait_for_port(processes.start(list(map(str, command)), env, log), port)

    def client(self, service):
        """Return a boto3 client with administrator permissions."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **keys)

    @contextlib.contextmanager
    def enforced_permissions(self):
        """Enforce IAM policies inside the `with` block."""
        requests.post(f"{self.url}/moto-api/reset-auth", data="0", timeout=10)
        try:
            yield
        finally:
            requests.post(f"{self.url}/moto-api/reset-auth", data="inf", timeout=10)


class Stack:
    """A deployed CloudFormation stack."""

    def __init__(self, aws, name):
        self.aws, self.name = aws, name
        found = aws.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        self.resources = {
            each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"]) for each in found
        }

    def ids(self, kind):
        """Return the physical IDs of all resources of a type."""
        return [found for type_, found in self.resources.values() if type_ == f"AWS::{kind}"]

    def id(self, kind):
        """Return the physical ID of the only resource of a type."""
        [found] = self.ids(kind)
        return found

    def described(self):
        """Return CloudFormation's description of the stack."""
        return self.aws.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]

    def parameters(self):
        """Return the parameters of the stack, given or by default."""
        declared = self.template()["Parameters"]
        defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
        given = self.described().get("Parameters", [])
        return defaults | {each["ParameterKey"]: each["ParameterValue"] for each in given}

    def outputs(self):
        """Return the outputs of the stack."""
        return {each["OutputKey"]: each["OutputValue"] for each in self.described().get("Outputs", [])}

    def template(self):
        """Return the deployed template."""
        body = self.aws.client("cloudformation").get_template(StackName=self.name)["TemplateBody"]
        return yaml.load(body, Loader) if isinstance(body, str) else body

    def routes(self):
        """Return the routes of the API by method and path."""
        api = self.aws.client("apigatewayv2")
        found = api.get_routes(ApiId=self.id("ApiGatewayV2::Api"))["Items"]
        return {tuple(each["RouteKey"].split(" ")): each for each in found}

    def functions(self):
        """Return the function versions that the API invokes, by handler."""
        api, client = self.aws.client("apigatewayv2"), self.aws.client("lambda")
        integrations = api.get_integrations(ApiId=self.id("ApiGatewayV2::Api"))["Items"]
        found = [client.get_function(FunctionName=each["IntegrationUri"]) for each in integrations]
        return {each["Configuration"]["Handler"]: each for each in found}

    def function(self):
        """Return the function of the news module."""
        return self.functions()[HANDLER]

    def statements(self, function):
        """Return the policy statements of a function's role."""
        iam = self.aws.client("iam")
        role = function["Role"].split("/")[-1]
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]
            for each in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        return [statement for each in documents for statement in each["Statement"]]


def users_of_cache(stack):
    """Return the IDs of the users in the user group of the cache."""
    resources = stack.template()["Resources"]
    [cache] = (each for each in resources.values() if each["Type"] == "AWS::ElastiCache::ServerlessCache")
    group = resources.get(cache["Properties"].get("UserGroupId", {}).get("Ref"), {"Properties": {}})
    return {stack.resources[each["Ref"]][1] for each in group["Properties"].get("UserIds", [])}
