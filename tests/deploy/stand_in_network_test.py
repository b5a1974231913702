"""`sls deploy` and `sam deploy` with an outbound route, then in an existing network with the retained table.

The tests of a tool run in order. The second stack has the name of the first, which was removed.
"""

import pytest

from deploy.project import Project
from deploy.stand_in.deployed_api import check_deployed_api
from deploy.stand_in.resource_connections import broken_connections
from deploy.stand_in_test import Sam, Sls

GATEWAYS = ("EC2::EgressOnlyInternetGateway", "EC2::InternetGateway", "EC2::NatGateway", "EC2::EIP")


@pytest.fixture(scope="module", params=[Sls, Sam], ids=["sls", "sam"])
def tool(request, aws, tmp_path_factory):
    return request.param(Project.copy(tmp_path_factory.mktemp(request.param.name) / "news"), aws)


@pytest.fixture(scope="module")
def network(tool):
    """A VPC that is not of the stack, with a route to DynamoDB; the parameters that name it."""
    ec2 = tool.aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("ab")
    ]
    names = [each["Subnet"]["SubnetId"] for each in subnets]
    for name in names:
        ec2.associate_route_table(RouteTableId=table, SubnetId=name)
    service = "com.amazonaws.eu-central-1.dynamodb"
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])
    group = ec2.create_security_group(VpcId=vpc, GroupName=tool.name, Description="functions")["GroupId"]
    tool.vpc, tool.group = vpc, group
    return {"SubnetIds": ",".join(names), "SecurityGroupIds": group}


def gateways(stack):
    return {kind: len(stack.ids(kind)) for kind in GATEWAYS if stack.ids(kind)}


def test_ipv6_is_an_egress_only_gateway(tool):
    tool.deploy(Cache="true", Egress="ipv6")
    assert broken_connections(tool.stack) == []
    assert gateways(tool.stack) == {"EC2::EgressOnlyInternetGateway": 1}
    assert "OutboundAddress" not in tool.stack.outputs()


def test_nat_replaces_it_and_prints_its_address(tool):
    tool.deploy(Cache="true", Egress="nat")
    assert broken_connections(tool.stack) == []
    assert gateways(tool.stack) == {"EC2::InternetGateway": 1, "EC2::NatGateway": 1, "EC2::EIP": 1}
    addresses = tool.aws.client("ec2").describe_addresses()["Addresses"]
    assert tool.stack.outputs()["OutboundAddress"] in [each["PublicIp"] for each in addresses]


def left(aws):
    """Return what costs money or blocks the deletion of a VPC."""
    ec2 = aws.client("ec2")
    return [
        *ec2.describe_addresses()["Addresses"],
        *ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"],
        *ec2.describe_internet_gateways()["InternetGateways"],
        *(each for each in ec2.describe_nat_gateways()["NatGateways"] if each["State"] != "deleted"),
    ]


def test_removal_of_a_stack_with_a_route_leaves_only_the_table(tool):
    vpcs = len(tool.aws.client("ec2").describe_vpcs()["Vpcs"])
    assert len(left(tool.aws)) == 3
    tool.table = tool.stack.outputs()["NewsTableName"]
    tool.remove()
    assert left(tool.aws) == []
    assert len(tool.aws.client("ec2").describe_vpcs()["Vpcs"]) == vpcs - 1
    assert tool.table in tool.aws.client("dynamodb").list_tables()["TableNames"]


def test_a_stack_takes_an_existing_network_and_table(tool, network):
    tool.deploy(**network, Cache="true", NewsTableName=tool.table)
    kinds = {kind for kind, _ in tool.stack.resources.values()}
    assert not {each for each in kinds if each.startswith(("AWS::EC2::", "AWS::DynamoDB::"))}
    function = tool.stack.function()["Configuration"]
    assert function["VpcConfig"]["SubnetIds"] == network["SubnetIds"].split(",")
    assert function["Environment"]["Variables"]["NEWS_TABLE"] == tool.table


def test_a_group_that_blocks_the_cache_is_a_broken_connection(tool):
    handler = "functions.news.handler: news-x1.serverless.euc1.cache.amazonaws.com (REDIS_URL)"
    assert broken_connections(tool.stack) == [f"{handler}: the security groups of the cache block port 6379"]
    within = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
    within["UserIdGroupPairs"] = [{"GroupId": tool.group}]
    tool.aws.client("ec2").authorize_security_group_ingress(GroupId=tool.group, IpPermissions=[within])
    assert broken_connections(tool.stack) == []


def test_the_api_works_in_the_existing_network(tool, lambda_environment):
    check_deployed_api(tool.stack, lambda_environment, number=1, has_cache=True)


def test_the_functions_stay_in_the_existing_network_without_the_cache(tool, network):
    tool.deploy(**network, Cache="bypass", NewsTableName=tool.table)
    function = tool.stack.function()["Configuration"]
    assert function["Version"] == "2"
    assert function["VpcConfig"]["SubnetIds"] == network["SubnetIds"].split(",")
    assert "REDIS_URL" not in function["Environment"]["Variables"]
    assert broken_connections(tool.stack) == []


def test_removal_leaves_the_existing_network_and_table(tool):
    tool.remove()
    ec2 = tool.aws.client("ec2")
    assert len(ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [tool.vpc]}])["Subnets"]) == 2
    assert len(ec2.describe_security_groups(GroupIds=[tool.group])["SecurityGroups"]) == 1
    items = tool.aws.client("dynamodb").scan(TableName=tool.table)["Items"]
    assert len(items) == 1
