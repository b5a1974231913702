"""template.yaml and serverless.yml deploy the same, whatever their parameters are."""

import pytest

from deploy.resolve_template import ResolvedTemplate
from deploy.sam_matches_serverless import differences, unexplained, unused

ISSUER = {"AuthIssuer": "https://login.example.com/", "AuthAudience": "news"}
EVERYTHING = ISSUER | {
    "AuthScopePrefix": "news-api/",
    "Stage": "prod",
    "Cache": "false",
    "CorsOrigins": "https://app.example.com,https://www.example.com",
    "Docs": "true",
    "Architecture": "x86_64",
    "SnapStart": "true",
    "ReservedConcurrency": "5",
    "LogLevel": "DEBUG",
    "LogRetentionDays": "90",
    "FeedShards": "3",
    "ThrottleRate": "7",
    "ThrottleBurst": "9",
    "AlarmEmail": "ops@example.com",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:ops",
    "Deployment": "Canary10Percent5Minutes",
}
"""Every parameter with another value than its default."""


@pytest.mark.parametrize("parameters", [{}, ISSUER, EVERYTHING], ids=["defaults", "issuer", "everything"])
def test_both_files_deploy_the_same(project, parameters):
    found = differences(project.sam(**parameters), project.sls(build=False, **parameters), **parameters)
    assert unexplained(found) == []
    assert unused(found) == []


def test_every_parameter_has_another_value_in_the_last_case(project):
    declared = project.template()["Parameters"]
    assert declared.keys() == EVERYTHING.keys()
    assert [name for name, each in declared.items() if str(each["Default"]) == EVERYTHING[name]] == []


def test_parameters_change_what_they_name(project):
    sam = project.sam()
    default, changed = ResolvedTemplate(sam), ResolvedTemplate(sam, **EVERYTHING)
    assert len(default.of_type("EC2::VPC")) == 1
    assert len(changed.of_type("EC2::VPC")) == 0
    assert len(changed.of_type("ApiGatewayV2::Route")) > len(default.of_type("ApiGatewayV2::Route"))
    for function in changed.of_type("Lambda::Function").values():
        assert function["Architectures"] == ["x86_64"]
        assert function["ReservedConcurrentExecutions"] == "5"
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    for table in changed.of_type("DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] is True
    assert {each["RetentionInDays"] for each in changed.of_type("Logs::LogGroup").values()} == {"90"}
