"""Tests of a deployment tool on the AWS emulator, with an existing network, cache and table.

The tests run in order. The table is that of a first stack, which was removed.
"""

import re

import pytest

from deploy.deployer_calls import CALLS
from support.fakes import sent
from tools.deploy_local.deployers import Deployer, DeploymentFailed


def tables(stack):
    """Return the names of all tables on the emulator."""
    return stack.emulator.client("dynamodb").list_tables()["TableNames"]


class ExistingResourcesTests:
    """The tests of both tools. A subclass names the tool."""

    tool = Deployer

    def x_cache(self, stack):
        """Return the X-Cache headers of two requests."""
        return [stack.request("GET", "/news").headers["X-Cache"] for _ in range(2)]

    def test_the_table_of_a_removed_stack_is_left(self, stack):
        token = {"Authorization": f"Bearer {stack.issuer.token()}"}
        assert stack.request("POST", "/news", json=sent(1), headers=token).status_code == 201
        stack.deployer.remove()
        assert len(tables(stack)) == 1

    def test_a_stack_takes_the_table_the_network_and_the_cache(self, stack, existing):
        networks = len(stack.emulator.client("ec2").describe_vpcs()["Vpcs"])
        stack.deployer.deploy(stack.parameters | existing)
        assert tables(stack) == [existing["NewsTableName"]]
        assert len(stack.emulator.client("ec2").describe_vpcs()["Vpcs"]) == networks
        assert stack.outputs()["NewsTableName"] == existing["NewsTableName"]
        network = f"{existing['SubnetIds']} {existing['SecurityGroupIds']}"  # the emulator keeps no VpcConfig
        assert stack.live_version()["Description"].endswith(re.sub("subnet-|sg-", "", network))

    def test_the_api_reads_and_writes_the_table_through_the_cache(self, stack):
        assert self.x_cache(stack) == ["MISS", "HIT"]
        token = {"Authorization": f"Bearer {stack.issuer.token()}"}
        assert stack.request("POST", "/news", json=sent(2), headers=token).status_code == 201
        assert self.x_cache(stack) == ["MISS", "HIT"]
        assert len(stack.request("GET", "/news").json()["items"]) == 2

    def test_a_changed_resource_publishes_a_version(self, stack, existing):
        before = stack.live_version()
        stack.deployer.deploy(stack.parameters | existing | {"RedisUrl": f"{existing['RedisUrl']}/1"})
        after = stack.live_version()
        assert (int(after["Version"]), after["CodeSha256"]) == (
            int(before["Version"]) + 1,
            before["CodeSha256"],
        )
        assert self.x_cache(stack) == ["MISS", "HIT"]

    def test_a_rate_limit_is_counted_in_the_cache(self, stack, existing):
        stack.deployer.deploy(stack.parameters | existing | {"RateLimitPerMinute": "5"})
        responses = [stack.request("GET", "/openapi.json") for _ in range(12)]  # in one minute, or in two
        assert {each.status_code for each in responses} == {200, 429}
        assert {each.headers["RateLimit-Policy"] for each in responses} == {'"default";q=5;w=60'}

    def test_the_url_of_the_cache_can_be_a_secret(self, stack, existing):
        secrets = stack.emulator.client("secretsmanager")
        secrets.create_secret(Name="news/redis-url", SecretString=f"{existing['RedisUrl']}/2")
        given = existing | {"RedisUrl": "", "RedisUrlSecret": "news/redis-url"}
        stack.deployer.deploy(stack.parameters | given)
        assert self.x_cache(stack) == ["MISS", "HIT"]

    def test_the_smoke_test_passes(self, stack, existing, capsys):
        assert stack.passes_smoke_test(), capsys.readouterr().out

    def test_the_url_of_the_cache_can_be_a_parameter(self, stack, existing):
        value = {"Value": f"{existing['RedisUrl']}/3", "Type": "SecureString"}
        stack.emulator.client("ssm").put_parameter(Name="/news/redis-url", **value)
        given = existing | {"RedisUrl": "", "RedisUrlParameter": "/news/redis-url"}
        stack.deployer.deploy(stack.parameters | given)
        assert self.x_cache(stack) == ["MISS", "HIT"]

    def test_the_network_and_the_cache_can_be_left(self, stack, existing):
        kept = {"NewsTableName": existing["NewsTableName"]}
        stack.deployer.deploy(stack.parameters | kept)
        assert ", cache none, " in stack.live_version()["Description"]
        assert self.x_cache(stack) == ["BYPASS", "BYPASS"]
        assert len(stack.request("GET", "/news").json()["items"]) == 2

    def test_leaving_the_table_stops_the_deployment(self, stack, existing):
        with pytest.raises(DeploymentFailed, match=r"this would replace the table .* by a new, empty one"):
            stack.deployer.deploy(stack.parameters)

    def test_contradicting_parameters_stop_with_one_line_before_the_build(self, stack, existing):
        given = stack.parameters | existing | {"SecurityGroupIds": ""}
        with pytest.raises(DeploymentFailed) as stopped:
            stack.deployer.deploy(given)
        _, _, output = str(stopped.value).partition(" failed:\n")
        assert output == "deploy: Set both SubnetIds and SecurityGroupIds, or none\n"

    def test_cloudformation_rejects_them_too(self, stack, existing):
        parameters = stack.parameters | existing
        del parameters["SecurityGroupIds"]
        before = stack.live_version()["Version"]
        with pytest.raises(DeploymentFailed, match="Set both SubnetIds and SecurityGroupIds, or none"):
            self.deploy_without_make(stack.deployer, parameters)
        assert stack.live_version()["Version"] == before

    def deploy_without_make(self, deployer, parameters):
        raise NotImplementedError

    def test_removal_leaves_what_the_stack_did_not_create(self, stack, existing):
        stack.deployer.remove()
        left = {each for each in stack.resources() if not each.startswith("aws-sam-cli-managed-default")}
        assert left == {existing["NewsTableName"]}
        ec2, subnets = stack.emulator.client("ec2"), existing["SubnetIds"].split(",")
        assert len(ec2.describe_subnets(SubnetIds=subnets)["Subnets"]) == len(subnets)
        items = stack.emulator.client("dynamodb").scan(TableName=existing["NewsTableName"])["Items"]
        assert len(items) == 2

    def test_every_call_is_listed(self, stack):
        assert stack.actions <= set(CALLS[self.tool])
