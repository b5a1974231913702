"""Make moto's CloudFormation create and delete the outbound routes of a VPC, through the EC2 API.

* AWS::EC2::VPCCidrBlock, SubnetCidrBlock and EgressOnlyInternetGateway, which moto does not know
* routes, gateways and addresses, which moto creates without IPv6, and does not delete
"""

import ipaddress

import boto3
from moto.cloudformation import parsing
from moto.ec2.models.vpcs import VPC
from moto_base import call, extra, fake_aws


def register(kind, create, identify, delete):
    """Register a type of resource that one call creates and another deletes.

    Args:
        kind: the type, without `AWS::EC2::`.
        create: the operation that creates it.
        identify: a function from the properties and the response to physical ID and attributes.
        delete: the operation that deletes it, and a function from properties and ID to its parameters.
    """
    operation, parameters = delete

    @extra(f"AWS::EC2::{kind}")
    def made(name, p, region, logical_id):
        made = call("ec2", create, p, region, logical=logical_id)
        physical_id, attributes = identify(p, made)
        undo = getattr(boto3.client("ec2", region_name=region), operation)
        return physical_id, attributes, lambda: undo(**parameters(p, physical_id))


def destination(p):
    """Return the destination of a route."""
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
    return {name: p[name] for name in names if name in p}


register(
    "Route",
    "CreateRoute",
    lambda p, _: (f"{p['RouteTableId']}|{''.join(destination(p).values())}", {}),
    ("delete_route", lambda p, _: {"RouteTableId": p["RouteTableId"], **destination(p)}),
)
register(
    "InternetGateway",
    "CreateInternetGateway",
    lambda _, made: (made["InternetGateway"]["InternetGatewayId"], {}),
    ("delete_internet_gateway", lambda _, name: {"InternetGatewayId": name}),
)
register(
    "VPCGatewayAttachment",
    "AttachInternetGateway",
    lambda p, _: (f"IGW|{p['VpcId']}", {}),
    ("detach_internet_gateway", lambda p, _: p),
)
register(
    "EIP",
    "AllocateAddress",
    lambda _, made: (made["PublicIp"], {"AllocationId": made["AllocationId"]}),
    ("release_address", lambda _, name: {"PublicIp": name}),
)
register(
    "NatGateway",
    "CreateNatGateway",
    lambda _, made: (made["NatGateway"]["NatGatewayId"], {}),
    ("delete_nat_gateway", lambda _, name: {"NatGatewayId": name}),
)
register(
    "EgressOnlyInternetGateway",
    "CreateEgressOnlyInternetGateway",
    lambda _, made: (made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"], {}),
    ("delete_egress_only_internet_gateway", lambda _, name: {"EgressOnlyInternetGatewayId": name}),
)
register(
    "VPCCidrBlock",
    "AssociateVpcCidrBlock",
    lambda _, made: (made["Ipv6CidrBlockAssociation"]["AssociationId"], {}),
    ("disassociate_vpc_cidr_block", lambda _, name: {"AssociationId": name}),
)
register(
    "SubnetCidrBlock",
    "AssociateSubnetCidrBlock",
    lambda _, made: (made["Ipv6CidrBlockAssociation"]["AssociationId"], {}),
    ("disassociate_subnet_cidr_block", lambda _, name: {"AssociationId": name}),
)

# ---------------------------------------------------------------- rules for IPv6
permission = fake_aws._permission


def permission_with_ipv6(p):
    made = permission(p)
    return made | {"Ipv6Ranges": [{"CidrIpv6": p["CidrIpv6"]}]} if "CidrIpv6" in p else made


fake_aws._permission = permission_with_ipv6

# ---------------------------------------------------------------- the blocks of a VPC, and their parts
get_attribute, clean_json = VPC.get_cfn_attribute, parsing.clean_json


def get_vpc_attribute(self, attribute_name):
    if attribute_name == "Ipv6CidrBlocks":
        return [each["cidr_block"] for each in self.get_cidr_block_association_set(ipv6=True)]
    return get_attribute(self, attribute_name)


def has_vpc_attribute(_cls, _attribute):
    return True


def clean_json_with_cidr(given, resources):
    """Resolve Fn::Cidr: a number of subnets with so many bits for hosts; unresolved if the block is."""
    if not (isinstance(given, dict) and "Fn::Cidr" in given):
        return clean_json(given, resources)
    block, count, bits = (parsing.clean_json(each, resources) for each in given["Fn::Cidr"])
    try:
        network = ipaddress.ip_network(block)
    except ValueError:  # a placeholder of moto_updates.py
        return [f"{block}.{number}" for number in range(int(count))]
    parts = network.subnets(new_prefix=network.max_prefixlen - int(bits))
    return [str(next(parts)) for _ in range(int(count))]


VPC.get_cfn_attribute, VPC.has_cfn_attr = get_vpc_attribute, classmethod(has_vpc_attribute)
parsing.clean_json = clean_json_with_cidr
