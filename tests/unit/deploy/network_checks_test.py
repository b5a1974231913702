"""Checks of a deployment with existing resources or an outbound route."""

import boto3
import pytest

from deploy.network_parameters import DOMAIN, INVALID, IPV6, NO_CACHE, REDIS, SUBNETS, TABLE, VALID
from support.environment import ROOT, settings_for
from tools.deploy import DeployError
from tools.deploy.checks import check_cache, check_network, check_tables
from tools.deploy.existing_tables import check_existing_tables
from tools.deploy.parameter_checks import check_parameters
from tools.deploy.parameters import read_parameters
from tools.deploy.stack import Stack
from tools.local.tables import create_tables

REGION = "eu-central-1"
VERSIONS = ("news-dev-news:3",)


def parameters(**given):
    return read_parameters("dev", [f"{name}={value}" for name, value in given.items()])


def refusal(check, *arguments):
    """Return the one line with which a check stops a deployment."""
    with pytest.raises(DeployError) as stopped:
        check(*arguments)
    assert "\n" not in str(stopped.value)
    return str(stopped.value)


def check(given, stack="news-dev"):
    check_parameters(parameters(**given), stack, REGION, ROOT)


@pytest.mark.parametrize("given", [{}, *VALID], ids=str)
def test_valid_combinations_pass(given):
    check(given)


@pytest.mark.parametrize(
    ("line", "given"), [(line, given) for line, rejected in INVALID.items() for given in rejected]
)
def test_combinations_that_contradict_each_other_stop_with_the_line_of_the_rule(line, given):
    assert refusal(check, given) == line


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"Egress": "internet"}, "Egress: must be one of none, ipv6, nat"),
        (SUBNETS | {"SubnetIds": "subnet-0a1, subnet-0b2"}, "SubnetIds: must match (subnet-"),
        (DOMAIN | {"BasePath": "v1/"}, "BasePath: must be a path of at most 16 characters, such as v1"),
        (DOMAIN | {"BasePath": "a" * 17}, "BasePath: must be a path of at most 16 characters, such as v1"),
        (NO_CACHE | {"RedisUrl": "cache.example.com:6379"}, "RedisUrl: must be a URL such as rediss://"),
        (NO_CACHE | {"RedisUrl": "rediss://cache.example.com?x=1"}, "REDIS_URL: must be a URL such as redis"),
        (SUBNETS | REDIS | {"RedisUrl": "redis://c.example.com"}, "REDIS_URL: must be rediss://host:port"),
    ],
)
def test_values_that_the_service_would_reject_stop_with_one_line(given, line):
    assert refusal(check, given).startswith(line)


def test_a_password_in_the_url_stops_the_deployment_and_is_not_printed():
    line = refusal(check, NO_CACHE | {"RedisUrl": "rediss://default:secret-1@cache.example.com:6379"})
    assert line.startswith("RedisUrl: must be a URL such as rediss://host:6379 without user and password")
    assert "secret-1" not in line


def test_a_description_beyond_the_limit_of_lambda_stops_the_deployment():
    subnets = ",".join(f"subnet-{number:017x}" for number in range(3))
    groups = ",".join(f"sg-{number:017x}" for number in range(2))
    given = REDIS | {"SubnetIds": subnets, "SecurityGroupIds": groups, "AuthScopePrefix": "news-api/"}
    given["RedisUrl"] = "rediss://orders-abc123.serverless.euc1.cache.amazonaws.com:6379"
    check(given, "news-production")
    line = refusal(check, given | {"AuthScopePrefix": "x" * 32}, f"{'n' * 23}-{'s' * 16}")
    assert line.startswith("the description of NewsFunction would have ")


@pytest.mark.parametrize(("given", "change"), [(NO_CACHE, "Cache=false"), (SUBNETS, "SubnetIds")])
def test_a_network_in_use_is_not_deleted(given, change):
    stack = Stack({"Cache": "true", "SubnetIds": ""}, VERSIONS)
    line = refusal(check_network, stack, parameters(**given), ())
    assert line.startswith(f"news-dev-news:3 use the network that {change} deletes: deploy Cache=bypass")
    check_network(stack, parameters(**given), ("drop-network",))
    check_network(stack, parameters(**IPV6), ())
    check_network(Stack({"Cache": "true"}), parameters(**given), ())


def test_an_existing_network_can_be_left():
    stack = Stack({"Cache": "true", "SubnetIds": SUBNETS["SubnetIds"]}, VERSIONS)
    check_network(stack, parameters(**NO_CACHE), ())


def test_the_cache_cannot_move_to_other_subnets():
    moved = "the cache cannot move to other subnets: deploy Cache=false first"
    assert refusal(check_cache, Stack({"Cache": "true", "SubnetIds": ""}), parameters(**SUBNETS)) == moved
    there = Stack({"Cache": "true", "SubnetIds": "subnet-0e5"})
    assert refusal(check_cache, there, parameters(**SUBNETS)) == moved
    check_cache(there, parameters(**SUBNETS, **NO_CACHE))
    check_cache(Stack({"Cache": "false", "SubnetIds": ""}), parameters(**SUBNETS))
    check_cache(Stack(), parameters(**SUBNETS))


def test_an_existing_table_is_not_replaced_by_an_empty_one():
    stack = Stack(TABLE)
    line = refusal(check_tables, stack, parameters(), ())
    assert line.startswith("this would replace the table news-old-NewsTable-X by a new, empty one: set News")
    check_tables(stack, parameters(), ("new-table",))
    check_tables(stack, parameters(**TABLE), ())
    check_tables(Stack({"NewsTableName": ""}), parameters(), ())


@pytest.fixture
def dynamodb(moto_url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    return boto3.client("dynamodb", region_name=REGION)


def test_a_table_of_the_service_is_accepted(moto_url, dynamodb):
    settings = settings_for(moto_url)
    create_tables(settings)
    name = settings.table("news")
    check_existing_tables(parameters(NewsTableName=name), settings.region, ROOT)


def test_an_unknown_table_stops_the_deployment(dynamodb):
    line = refusal(check_existing_tables, parameters(**TABLE), REGION, ROOT)
    assert line == f"NewsTableName: there is no table news-old-NewsTable-X in {REGION}"


@pytest.mark.parametrize(
    ("key", "missing"),
    [("url", "partition key id alone"), ("id", "index by_feed with the keys feed, sort")],
)
def test_a_table_with_other_keys_stops_the_deployment(dynamodb, key, missing):
    dynamodb.create_table(
        TableName=f"other-{key}",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    line = refusal(check_existing_tables, parameters(NewsTableName=f"other-{key}"), REGION, ROOT)
    assert line == f"NewsTableName: the table other-{key} has no {missing}"
