"""Routes from a function in the VPC of the stack to what its code calls, for each way out (Egress)."""

from collections.abc import Iterator

from deploy.reachability import INTERNET, NO_ROUTE, Network, Rule, addresses
from tools.deploy.template import ResolvedTemplate, name_of


def routes(template) -> Iterator[str]:
    """Yield addresses that a function calls and does not reach, and a way out in spite of Egress=none."""
    for egress in ("none", "ipv6", "nat"):
        resolved = ResolvedTemplate(template, Egress=egress)
        network = read_network(resolved)
        for name, function in resolved.of_type("Lambda::Function").items():
            vpc, label = function["VpcConfig"], f"Egress={egress}: {name}"
            called = list(addresses(function["Environment"]["Variables"]))
            if egress != "none":
                called.append(INTERNET)
            elif network.problem(vpc, INTERNET) != NO_ROUTE:
                yield f"{label}: has a route to the internet"
            yield from (f"{label}: {message}" for message in network.problems(vpc, called))


def read_network(resolved):
    """Return the network of a resolved template. Its keys are references, as in a VpcConfig."""
    tables = {
        each["SubnetId"]: each["RouteTableId"]
        for each in resolved.of_type("EC2::SubnetRouteTableAssociation").values()
    }
    blocks = resolved.of_type("EC2::SubnetCidrBlock").values()
    caches = resolved.of_type("ElastiCache::ServerlessCache").values()
    return Network(
        routes={subnet: set(reached(resolved, table, tables)) for subnet, table in tables.items()},
        dual_stack={each["SubnetId"] for each in blocks if each.get("Ipv6CidrBlock")},
        egress=rules(resolved, "Egress"),
        ingress=rules(resolved, "Ingress"),
        cache_groups=[group for each in caches for group in each["SecurityGroupIds"]],
    )


def reached(resolved, table, tables) -> Iterator[str]:
    """Yield what a route table reaches."""
    for each in resolved.of_type("EC2::VPCEndpoint").values():
        if table in each.get("RouteTableIds", []) and each["ServiceName"].endswith(".dynamodb"):
            yield "dynamodb"
    for each in resolved.of_type("EC2::Route").values():
        if each["RouteTableId"] != table:
            continue
        if each.get("DestinationIpv6CidrBlock") == "::/0" and "EgressOnlyInternetGatewayId" in each:
            yield "ipv6"
        if each.get("DestinationCidrBlock") == "0.0.0.0/0" and is_open(resolved, each, tables):
            yield "ipv4"


def is_open(resolved, route, tables):
    """Return whether a route ends at an attached internet gateway, directly or through a NAT gateway."""
    attachments = resolved.of_type("EC2::VPCGatewayAttachment").values()
    attached = {each["InternetGatewayId"] for each in attachments if "InternetGatewayId" in each}
    if "NatGatewayId" not in route:
        return route.get("GatewayId") in attached
    subnet = resolved.of_type("EC2::NatGateway")[name_of(route["NatGatewayId"])]["SubnetId"]
    return any(
        each["RouteTableId"] == tables.get(subnet) and each.get("GatewayId") in attached
        for each in resolved.of_type("EC2::Route").values()
    )


def rules(resolved, direction):
    """Return the rules of each security group in one direction, those of separate resources included."""
    found = {}
    for name, each in resolved.of_type("EC2::SecurityGroup").items():
        found[f"${{{name}.GroupId}}"] = list(map(rule, each.get(f"SecurityGroup{direction}", [])))
    for each in resolved.of_type(f"EC2::SecurityGroup{direction}").values():
        found[each["GroupId"]].append(rule(each))
    return found


def rule(properties):
    """Return a rule of a security group."""
    names = ("CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId")
    peers = frozenset(properties[name] for name in names if name in properties)
    ports = properties.get("FromPort", 0), properties.get("ToPort", 65535)
    return Rule(properties["IpProtocol"], *ports, peers)
