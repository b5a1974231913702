"""bootstrap.yaml on the AWS emulator, and the tokens of GitHub's jobs."""

import base64
import json
import subprocess

import yaml

from deploy.project import NAME, TOOLS
from support.environment import ROOT
from tools.deploy.template import Loader
from tools.deploy_local.emulator import REGION, tool_environment

FILE = ROOT / "bootstrap.yaml"
HOST = "token.actions.githubusercontent.com"
REPOSITORY = "octo-org@123456/octo-repo@456789"
ACCOUNT = "000000000000"
STAGES = {"dev": "dev", "prod": "prod", "preview": "pr"}
"""The parameter Stage of each environment."""

MANAGE_SAM_STACK = f"""
from samcli.lib.bootstrap.bootstrap import manage_stack
manage_stack(profile=None, region="{REGION}")
"""


def template():
    """Return the parsed bootstrap.yaml, with its short tags in long form."""
    return yaml.load(FILE.read_text(), Loader)  # a SafeLoader


def deploy_bootstrap(emulator, environment):
    """Deploy bootstrap.yaml for an environment, as an administrator.

    The emulator's CloudFormation does not know identity providers, so IAM creates that of GitHub.
    """
    iam, cloudformation = emulator.client("iam"), emulator.client("cloudformation")
    if not iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        iam.create_open_id_connect_provider(Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"])
    parameters = {
        "Environment": environment,
        "Stage": STAGES[environment],
        "Repository": REPOSITORY,
        "OidcProvider": "existing",
    }
    stack = f"bootstrap-{NAME}-{environment}"
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=FILE.read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack)


def create_sam_bucket(emulator):
    """Create the bucket of SAM, as the first deployment in a region does."""
    command = [TOOLS / "python", "-c", MANAGE_SAM_STACK]
    subprocess.run(command, env=tool_environment(emulator.url), check=True, capture_output=True)


def assume_role(emulator, environment, **claims):
    """Return the credentials that AWS gives to a GitHub job, as environment variables.

    Args:
        emulator: the emulator, which does not verify the token's signature.
        environment: the environment of the job, and of the role that it asks for.
        claims: claims of the job's token that differ.
    """
    subject = f"repo:{REPOSITORY}:environment:{environment}"
    token = {"iss": f"https://{HOST}", "aud": "sts.amazonaws.com", "sub": subject} | claims
    credentials = emulator.client("sts").assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/deploy-{NAME}-{environment}",
        RoleSessionName="GitHubActions",
        WebIdentityToken=f"{_encode({'alg': 'none'})}.{_encode(token)}.",
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def _encode(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
