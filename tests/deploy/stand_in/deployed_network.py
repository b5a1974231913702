"""The network of a deployed function, as the EC2 API describes it."""

from collections.abc import Iterator

from deploy.project import REGION
from deploy.reachability import Network, Rule
from tools.deploy.template import ResolvedTemplate, name_of


def read_network(stack, vpc_config):
    """Return the network of a function, whether the stack or somebody else created it."""
    ec2 = stack.aws.client("ec2")
    [vpc_id] = {each["VpcId"] for each in ec2.describe_subnets(SubnetIds=vpc_config["SubnetIds"])["Subnets"]}
    here = {"Filters": [{"Name": "vpc-id", "Values": [vpc_id]}]}
    subnets, groups = (
        ec2.describe_subnets(**here)["Subnets"],
        ec2.describe_security_groups(**here)["SecurityGroups"],
    )
    tables = tables_by_subnet(ec2.describe_route_tables(**here)["RouteTables"])
    endpoints = ec2.describe_vpc_endpoints(**here)["VpcEndpoints"]
    return Network(
        routes={subnet: set(reached(ec2, table, tables, endpoints)) for subnet, table in tables.items()},
        dual_stack={each["SubnetId"] for each in subnets if each.get("Ipv6CidrBlockAssociationSet")},
        egress={each["GroupId"]: list(map(rule, each["IpPermissionsEgress"])) for each in groups},
        ingress={each["GroupId"]: list(map(rule, each["IpPermissions"])) for each in groups},
        cache_groups=cache_groups(stack),
    )


def tables_by_subnet(tables):
    """Return the route table of each subnet that has one of its own."""
    return {
        association["SubnetId"]: table
        for table in tables
        for association in table["Associations"]
        if "SubnetId" in association
    }


def reached(ec2, table, tables, endpoints) -> Iterator[str]:
    """Yield what a route table reaches."""
    for each in endpoints:
        is_linked = table["RouteTableId"] in each.get("RouteTableIds", [])
        if is_linked and each["ServiceName"] == f"com.amazonaws.{REGION}.dynamodb":
            yield "dynamodb"
    for route in table["Routes"]:
        if route.get("DestinationIpv6CidrBlock") == "::/0" and "EgressOnlyInternetGatewayId" in route:
            yield "ipv6"
        if route.get("DestinationCidrBlock") == "0.0.0.0/0" and is_open(ec2, route, tables):
            yield "ipv4"


def is_open(ec2, route, tables):
    """Return whether a route ends at an internet gateway, directly or through a NAT gateway."""
    if "NatGatewayId" not in route:
        return route.get("GatewayId", "").startswith("igw-")
    [gateway] = ec2.describe_nat_gateways(NatGatewayIds=[route["NatGatewayId"]])["NatGateways"]
    routes = tables.get(gateway["SubnetId"], {"Routes": []})["Routes"]
    return any(
        each.get("DestinationCidrBlock") == "0.0.0.0/0" and each.get("GatewayId", "").startswith("igw-")
        for each in routes
    )


def rule(permission):
    """Return a rule of a security group."""
    peers = {each["CidrIp"] for each in permission.get("IpRanges", [])}
    peers |= {each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])}
    peers |= {each["GroupId"] for each in permission.get("UserIdGroupPairs", [])}
    ports = permission.get("FromPort", 0), permission.get("ToPort", 65535)
    return Rule(permission["IpProtocol"], *ports, frozenset(peers))


def cache_groups(stack):
    """Return the security groups of the cache; the stand-in does not describe serverless caches."""
    resolved = ResolvedTemplate(stack.template(), **stack.parameters())
    groups = [
        group
        for each in resolved.of_type("ElastiCache::ServerlessCache").values()
        for group in each["SecurityGroupIds"]
    ]
    return [stack.resources[name_of(each)][1] if "${" in each else each for each in groups]
