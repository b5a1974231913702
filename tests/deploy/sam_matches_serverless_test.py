"""template.yaml and serverless.yml deploy the same resources, for any parameters."""

import pytest

from deploy.network_parameters import DOMAIN, IPV6, NAT, PARAMETER, REDIS, SECRET, SUBNETS, TABLE
from deploy.sam_matches_serverless import differences, unexpected, unused_exceptions
from tools.deploy.template import ResolvedTemplate
from tools.local.tables import TABLES

ISSUER = {"AuthIssuer": "https://login.example.com/", "AuthAudience": "news"}
NON_DEFAULT = ISSUER | {
    "AuthScopePrefix": "news-api/",
    "Stage": "prod",
    "Cache": "false",
    "AvailabilityZoneA": "eu-central-1b",
    "AvailabilityZoneB": "eu-central-1c",
    "SubnetIds": "subnet-0a1,subnet-0b3",
    "SecurityGroupIds": "sg-0c1,sg-0d3",
    "RedisUrl": "rediss://cache.example.com:6380",
    "RedisUrlSecret": "news/prod/redis-url",
    "RedisUrlParameter": "/news/prod/redis-url",
    "RedisIamUser": "reader",
    "RedisIamCache": "other",
    **{f"{module.capitalize()}TableName": f"other-{module}" for module in TABLES},
    "Egress": "nat",
    "DomainName": "api.example.com",
    "HostedZoneId": "Z0123456789ABCDEFGHIJ",
    "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0f1e2d3c",
    "BasePath": "v1",
    "DisableExecuteApiEndpoint": "true",
    "CorsOrigins": "https://app.example.com,https://www.example.com",
    "Docs": "true",
    "Architecture": "x86_64",
    "Runtime": "python3.13",
    "SnapStart": "true",
    "ReservedConcurrency": "5",
    "LogLevel": "DEBUG",
    "LogRetentionDays": "90",
    "RetainTables": "false",
    "FeedShards": "3",
    "CacheShards": "4",
    "ThrottleRate": "7",
    "ThrottleBurst": "9",
    "RateLimitPerMinute": "60",
    "AlarmEmail": "ops@example.com",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:ops",
    "Deployment": "Canary10Percent5Minutes",
    "BudgetLimit": "250",
    "BudgetEmail": "finance@example.com",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
}
"""A non-default value for every parameter; rules reject some of them together."""


BYPASS = {"Cache": "bypass", "CorsOrigins": "*", "Docs": "true"}


@pytest.mark.parametrize(
    "parameters",
    [{}, ISSUER, BYPASS, NON_DEFAULT, SUBNETS, SUBNETS | REDIS | TABLE, IPV6, NAT, DOMAIN, SECRET, PARAMETER],
    ids=[
        "defaults",
        "issuer",
        "bypass",
        "non-default",
        "subnets",
        "existing",
        "ipv6",
        "nat",
        "domain",
        "secret",
        "parameter",
    ],
)
def test_sam_and_sls_deploy_the_same_resources(project, parameters):
    found = differences(project.sam(**parameters), project.sls(build=False, **parameters), **parameters)
    assert unexpected(found) == []
    assert unused_exceptions(found) == []


def test_non_default_sets_every_parameter_to_another_value(project):
    declared = project.template()["Parameters"]
    assert declared.keys() == NON_DEFAULT.keys()
    assert [name for name, each in declared.items() if str(each.get("Default")) == NON_DEFAULT[name]] == []


def test_parameters_change_their_resources(project):
    sam = project.sam()
    default, changed = ResolvedTemplate(sam), ResolvedTemplate(sam, **NON_DEFAULT)
    bypass = ResolvedTemplate(sam, **BYPASS)
    assert len(default.of_type("EC2::VPC")) == len(bypass.of_type("EC2::VPC")) == 1
    assert not any("VpcConfig" in each for each in bypass.of_type("Lambda::Function").values())
    assert len(changed.of_type("EC2::VPC")) == 0
    assert len(changed.of_type("ApiGatewayV2::Route")) > len(default.of_type("ApiGatewayV2::Route"))
    for function in changed.of_type("Lambda::Function").values():
        assert function["Architectures"] == ["x86_64"]
        assert function["ReservedConcurrentExecutions"] == "5"
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    for table in ResolvedTemplate(sam, Stage="prod").of_type("DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] is True
    assert {each["RetentionInDays"] for each in changed.of_type("Logs::LogGroup").values()} == {"90"}
