"""A stack on the AWS emulator, deployed by a user with the permissions of docs/deployer-policy.json."""

from contextlib import ExitStack
from urllib.parse import urlsplit

import requests
import yaml

from deploy.call_recorder import CallRecorder
from support.environment import ROOT
from tools.deploy.parameters import TAGS_FILE
from tools.deploy.template import ResolvedTemplate, read_template
from tools.deploy_local.emulator import Emulator, tool_environment
from tools.deploy_local.issuer import Issuer
from tools.deploy_local.omissions import omit_unsupported
from tools.deploy_local.project_copy import copy_project
from tools.local.processes import Processes
from tools.smoke.run import run as run_smoke_test

LISTS = (
    ("apigatewayv2", "get_apis", "Items", "Name"),
    ("cloudformation", "list_stacks", "StackSummaries", "StackName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
)
"""Service, operation, its result, and the name in each entry (None: the entry is the name)."""

HANDLER = "functions.news.handler"
TAGS = {"CostCenter": "4711", "Team": "news and more"}
POLICY = ROOT / "docs" / "deployer-policy.json"


def create_deployer(emulator):
    """Create a user with the documented policy, and return its credentials."""
    iam = emulator.client("iam")
    policy = iam.create_policy(PolicyName="deployer", PolicyDocument=POLICY.read_text())["Policy"]["Arn"]
    iam.create_user(UserName="deployer")
    iam.attach_user_policy(UserName="deployer", PolicyArn=policy)
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


class EmulatedStack:
    """A stack of one tool, on an emulator of its own that enforces IAM policies.

    Attributes:
        emulator: the emulator.
        deployer: the tool.
        issuer: issues tokens for the API.
        actions: the IAM actions of the tool's calls.
    """

    def __init__(self, tool, folder, stage=None, sign_in=create_deployer):
        """Start the emulator.

        Args:
            tool: the deployment tool.
            folder: an empty folder.
            stage: the stage, else the name of the tool.
            sign_in: returns the credentials of the deployer on an emulator, as environment variables.
        """
        with ExitStack() as running:
            self.emulator = Emulator(running.enter_context(Processes()), folder, enforce_policies=True)
            recorder = running.enter_context(CallRecorder(self.emulator.port))
            self.actions, self.issuer = recorder.actions, Issuer.create(self.emulator)
            project = copy_project(folder / "project")
            omit_unsupported(project)
            (project / TAGS_FILE).write_text(yaml.safe_dump(TAGS))
            environment = tool_environment(recorder.url) | sign_in(self.emulator)
            self.deployer = tool(project, environment, stage or tool.__name__.lower())
            self._running = running.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._running.close()

    def outputs(self):
        """Return the outputs of the stack."""
        cloudformation = self.emulator.client("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=self.deployer.stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def api_id(self):
        """Return the ID of the HTTP API."""
        return self.emulator.api_id(self.deployer.stack)

    def request(self, method, path, **options):
        """Send a request to the API, by its host name."""
        host = urlsplit(self.emulator.api_url(self.api_id())).netloc
        headers = {"Host": host, **options.pop("headers", {})}
        return requests.request(method, self.emulator.url + path, headers=headers, timeout=30, **options)

    def passes_smoke_test(self):
        """Run the smoke test, and return whether it passed. The emulator itself serves /health."""
        host = urlsplit(self.emulator.api_url(self.api_id())).netloc
        return run_smoke_test(self.emulator.url, self.issuer.token(), host=host, skip={"health"})

    def apply_cors(self, origin):
        """Configure CORS as template.yaml does, for an origin.

        The emulator does not apply CorsConfiguration of CloudFormation: it expects other names of properties.
        """
        client = self.emulator.client("apigatewayv2")
        assert not client.get_api(ApiId=self.api_id())["CorsConfiguration"], (
            "apply_cors is not needed any more"
        )
        template = ResolvedTemplate(read_template(ROOT), CorsOrigins=origin)
        cors = template.resources["HttpApi"]["Properties"]["CorsConfiguration"]
        client.update_api(ApiId=self.api_id(), CorsConfiguration=cors)

    def live_version(self):
        """Return the configuration of the news function that the alias `live` points to."""
        client = self.emulator.client("lambda")
        functions = {each["Handler"]: each["FunctionName"] for each in client.list_functions()["Functions"]}
        return client.get_function_configuration(FunctionName=functions[HANDLER], Qualifier="live")

    def publish_versions(self, count):
        """Publish versions of the news function, and point the alias `live` to the last one."""
        client, name = self.emulator.client("lambda"), self.live_version()["FunctionName"]
        for number in range(count):
            client.update_function_configuration(FunctionName=name, Description=f"version {number}")
            published = client.publish_version(FunctionName=name)["Version"]
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=published)

    def versions(self):
        """Return the numbers of the function's published versions."""
        client = self.emulator.client("lambda")
        name = self.live_version()["FunctionName"]
        published = client.list_versions_by_function(FunctionName=name)["Versions"]
        return sorted(int(each["Version"]) for each in published if each["Version"] != "$LATEST")

    def resources(self):
        """Yield the names of all resources on the emulator, and of the stacks."""
        for service, operation, result, name in LISTS:
            for each in getattr(self.emulator.client(service), operation)()[result]:
                if name is None:
                    yield each
                elif each.get("StackStatus") != "DELETE_COMPLETE":
                    yield each[name]
