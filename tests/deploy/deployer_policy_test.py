"""docs/deployer-policy.json allows what both tools and CloudFormation do, and nothing else by name.

CloudFormation uses the permissions of the user who deploys. Its schemas list them for each resource type
(https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html).
"""

import json
from fnmatch import fnmatchcase

import pytest

from deploy.deployer_calls import CALLS, NOT_NEEDED, OTHER_ACTIONS
from deploy.project import NAME
from deploy.schemas import read_schema
from support.environment import ROOT

POLICY = json.loads((ROOT / "docs" / "deployer-policy.json").read_text())
MANAGED_POLICY_SIZE = 6144
"""Characters without whitespace (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""

BUCKET_TYPES = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}
"""The bucket of artifacts, which the tools create in a stack."""

UNNAMED = {
    "AccessLogs",
    "Api",
    "BillingView",
    "CertificateAndRecord",
    "Domain",
    "Network",
    "NewCertificate",
    "ServiceLinkedRoles",
    "Templates",
}
"""Statements about resources whose ARN contains no name."""


@pytest.fixture(scope="module")
def permissions(project):
    """The permissions of CloudFormation for the stack, with each resource type that needs them."""
    template = project.sam(Deployment="Canary10Percent5Minutes")
    types = {each["Type"] for each in template["Resources"].values()} | BUCKET_TYPES
    found = {}
    for kind in types:
        schema = read_schema(kind)
        for verb in ("create", "read", "update", "delete"):
            for action in schema["handlers"].get(verb, {}).get("permissions", []):
                found.setdefault(action, set()).add(kind)
    return found


def allowed():
    """Return the patterns of all actions that the policy allows."""
    lists = (statement["Action"] for statement in POLICY["Statement"])
    return {action for each in lists for action in ([each] if isinstance(each, str) else each)}


def matches(action, patterns):
    return any(fnmatchcase(action, each) for each in patterns)


def test_every_recorded_call_is_allowed():
    calls = set().union(*CALLS.values())
    assert {each for each in calls if not matches(each, allowed() | NOT_NEEDED.keys())} == set()


def test_what_cloudformation_does_is_allowed(permissions):
    missing = {action for action in permissions if not matches(action, allowed() | NOT_NEEDED.keys())}
    assert missing == set()


def test_every_named_action_is_used(permissions):
    used = set(permissions) | set().union(*CALLS.values()) | OTHER_ACTIONS.keys()
    assert {each for each in allowed() if not any(fnmatchcase(action, each) for action in used)} == set()


def test_every_exception_is_used(permissions):
    required = set(permissions) | set().union(*CALLS.values())
    assert {each for each in NOT_NEEDED if not any(fnmatchcase(action, each) for action in required)} == set()
    assert {each for each in OTHER_ACTIONS if not matches(each, allowed()) or each in required} == set()


def test_policy_fits_into_a_managed_policy():
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= MANAGED_POLICY_SIZE


def test_named_resources_are_those_of_the_project():
    names = (
        f":{NAME}-",
        f"/{NAME}-",
        f"-{NAME}-",
        "aws-sam-cli-managed-default",
        ":transform/",
        ":deploymentconfig:",
    )
    for statement in POLICY["Statement"]:
        resources = (
            [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        )
        if statement["Sid"] not in UNNAMED:
            assert [each for each in resources if not any(name in each for name in names)] == []
