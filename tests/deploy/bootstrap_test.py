"""bootstrap.yaml: a role has the permissions of docs/deployer-policy.json, for its own environment only."""

import json
import re
from fnmatch import fnmatchcase

import pytest
from botocore.exceptions import ClientError

from deploy.bootstrap import ACCOUNT, FILE, HOST, REPOSITORY, STAGES, assume_role, deploy_bootstrap, template
from deploy.deployer_policy_test import POLICY
from deploy.project import NAME, TOOLS
from deploy.sam_matches_serverless_test import NON_DEFAULT
from tools.deploy.template import ResolvedTemplate
from tools.deploy_local.emulator import Emulator

NOT_FOR_PREVIEWS = {"BillingView", "Budget", "Cache", "CertificateAndRecord", "Domain"} | {
    "GradualDeployments",
    "Network",
    "NewCertificate",
    "Notifications",
}
ROLE_POLICY_SIZE = 10_240
"""Characters of a role's inline policies (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""

BOUNDARY_CONDITION = {
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
}
"""The actions that IAM limits by the condition key iam:PermissionsBoundary.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

FORBIDDEN = {"iam:DeleteRolePermissionsBoundary"}
"""Actions of the deployer's policy with which a role could free another one of its boundary."""

CODE_DEPLOY = {"cloudwatch:DescribeAlarms", "lambda:GetAlias", "lambda:UpdateAlias"}
"""What CodeDeploy does in a gradual deployment without hooks (AWSCodeDeployRoleForLambda allows more)."""


@pytest.fixture(scope="module")
def emulator(processes, tmp_path_factory):
    started = Emulator(processes, tmp_path_factory.mktemp("emulator"), enforce_policies=True)
    for environment in STAGES:
        deploy_bootstrap(started, environment)
    return started


def as_list(value):
    return [value] if isinstance(value, str) else value


def granted(document):
    """Yield action, resource and condition of what a policy document allows."""
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, resource, statement.get("Condition", {})


def role_policy(emulator, environment):
    return emulator.client("iam").get_role_policy(
        RoleName=f"deploy-{NAME}-{environment}", PolicyName="deploy"
    )["PolicyDocument"]


def boundary(emulator, environment):
    iam, arn = emulator.client("iam"), f"arn:aws:iam::{ACCOUNT}:policy/deploy-{NAME}-{environment}-boundary"
    return iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]


def test_cfn_lint_reports_nothing(project):
    assert project.run(TOOLS / "cfn-lint", FILE) == ""


@pytest.mark.parametrize("environment", STAGES)
def test_a_role_does_not_exceed_the_deployers_policy(emulator, environment):
    allowed = list(granted(POLICY))
    for action, resource, condition in granted(role_policy(emulator, environment)):
        own = {key: value for key, value in condition.items() if "iam:PermissionsBoundary" not in value}
        assert any(
            fnmatchcase(action, pattern) and fnmatchcase(resource, arn) and own == limits
            for pattern, arn, limits in allowed
        ), (action, resource)


@pytest.mark.parametrize("environment", STAGES)
def test_a_role_has_every_permission_of_the_deployers_policy(emulator, environment):
    statements = [
        each
        for each in POLICY["Statement"]
        if environment != "preview" or each["Sid"] not in NOT_FOR_PREVIEWS
    ]
    wanted = {action for action, _, _ in granted({"Statement": statements})} - FORBIDDEN
    assert wanted == {action for action, _, _ in granted(role_policy(emulator, environment))} - {
        "s3:GetBucketLocation",
        "s3:ListBucket",
    }
    assert len(json.dumps(role_policy(emulator, environment), separators=(",", ":"))) <= ROLE_POLICY_SIZE


@pytest.mark.parametrize("environment", STAGES)
def test_a_role_reaches_named_resources_of_its_own_stages_only(emulator, environment):
    stage = STAGES[environment]
    for action, resource, _ in granted(role_policy(emulator, environment)):
        assert re.search(rf"\b{NAME}-", resource) is None or re.search(
            rf"\b{NAME}-{stage}(-\*|/\*|$)", resource
        ), (action, resource)
    others = {f"{NAME}-{each}-1" for each in {*STAGES.values(), "staging"} - {stage}}
    for name in others:
        assert not any(
            fnmatchcase(f"arn:aws:iam::1:role/{name}", resource)
            for _, resource, _ in granted(role_policy(emulator, environment))
            if ":role/" in resource
        )


@pytest.mark.parametrize("environment", STAGES)
def test_a_role_creates_roles_with_the_boundary_only(emulator, environment):
    arn = f"arn:aws:iam::{ACCOUNT}:policy/deploy-{NAME}-{environment}-boundary"
    policy = list(granted(role_policy(emulator, environment)))
    limited = {
        action
        for action, _, condition in policy
        if condition == {"StringEquals": {"iam:PermissionsBoundary": arn}}
    }
    assert limited == BOUNDARY_CONDITION & {action for action, _, _ in granted(POLICY)}
    free = {action for action, _, condition in policy if not condition}
    assert not free & (BOUNDARY_CONDITION | FORBIDDEN)
    assert not any(action.startswith(("iam:CreatePolicy", "iam:*", "iam:SetDefault")) for action in free)


def test_no_role_can_change_a_deployment_role(emulator):
    roles = [f"arn:aws:iam::{ACCOUNT}:role/deploy-{NAME}-{each}" for each in STAGES]
    for environment in STAGES:
        for action, resource, _ in granted(role_policy(emulator, environment)):
            if action.startswith("iam:"):
                assert not any(fnmatchcase(role, resource) for role in roles), (action, resource)


def test_the_boundary_allows_what_the_roles_of_the_stack_need(emulator, project):
    stack = ResolvedTemplate(project.sam(), **NON_DEFAULT | {"Cache": "true"})
    needed = set(CODE_DEPLOY)
    for role in stack.of_type("IAM::Role").values():
        for policy in role.get("Policies", []):
            needed |= {action for action, _, _ in granted(policy["PolicyDocument"])}
    assert "elasticache:Connect" in needed
    assert needed - {action for action, _, _ in granted(boundary(emulator, "prod"))} == set()


def test_the_boundary_of_previews_allows_what_a_stack_without_a_cache_needs(emulator, project):
    stack = ResolvedTemplate(project.sam(), Cache="false")
    needed = set()
    for role in stack.of_type("IAM::Role").values():
        for policy in role.get("Policies", []):
            needed |= {action for action, _, _ in granted(policy["PolicyDocument"])}
    assert needed - {action for action, _, _ in granted(boundary(emulator, "preview"))} == set()


@pytest.mark.parametrize("environment", STAGES)
def test_a_role_trusts_the_jobs_of_its_environment(emulator, environment):
    assert assume_role(emulator, environment)["AWS_SESSION_TOKEN"]


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": f"repo:{REPOSITORY}:environment:dev"},
        {"sub": f"repo:{REPOSITORY}:pull_request"},
        {"sub": f"repo:{REPOSITORY}:ref:refs/heads/main"},
        {"sub": "repo:octo-org@123456/octo-repo@1:environment:prod"},
        {"sub": "repo:someone@2/octo-repo@456789:environment:prod"},
        {"aud": "https://github.com/octo-org"},
        {"iss": "https://token.example.com"},
    ],
)
def test_the_role_of_prod_trusts_no_other_job(emulator, claims):
    with pytest.raises(ClientError, match="Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume_role(emulator, "prod", **claims)


def test_the_repository_is_that_of_a_sub_claim():
    pattern = template()["Parameters"]["Repository"]["AllowedPattern"]
    for name in (REPOSITORY, "octo-org/octo-repo", "octo.org/a_b.c"):
        assert re.fullmatch(pattern, name)
    for name in ("octo-org/*", "*", "octo-org", "octo-org@1/octo-repo", "a/b:environment:prod", "a/b/c?"):
        assert not re.fullmatch(pattern, name), name


def test_the_identity_provider_is_that_of_github():
    provider = template()["Resources"]["Provider"]["Properties"]
    assert provider == {"Url": f"https://{HOST}", "ClientIdList": ["sts.amazonaws.com"]}
