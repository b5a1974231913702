"""Run the moto server of ../shared/lab/aws with additions: `moto_server.py FAKE_AWS.PY PORT`.

It runs in `.venv-deploy`. It adds behavior of AWS that moto and fake_aws.py lack:

  * functions and roles: see moto_lambda.py
  * AWS::CloudWatch::CompositeAlarm
  * removal of routes and authorizers
  * AWS::ElastiCache::User and UserGroup, with validation of engine, group and users
  * removal of route tables and endpoints, without which no VPC can be deleted
  * the suffix `:*` of a log group's ARN, which includes its streams
  * parameters and updates of stacks: see moto_parameters.py and moto_updates.py
"""

import os

import boto3
import moto_lambda  # noqa: F401
import moto_network  # noqa: F401
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.vpcs import VPCEndPoint
from moto.elasticache import models as elasticache
from moto.logs.models import LogGroup
from moto_base import ACCOUNT, PORT, call, extra, fake_aws


# ---------------------------------------------------------------- alarms
@extra("AWS::CloudWatch::CompositeAlarm")  # unknown to moto: validated, not created
def composite_alarm(name, p, region, logical_id):
    call("cloudwatch", "PutCompositeAlarm", p, region, send=False, logical=logical_id)
    arn = f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{p['AlarmName']}"
    return p["AlarmName"], {"Arn": arn}


# ---------------------------------------------------------------- the API
def make_removable(kind):
    """Register a resource of fake_aws.py again, with a delete function."""
    create = fake_aws.__dict__[f"_{kind}"]

    @extra(f"AWS::ApiGatewayV2::{kind.title()}")
    def made(name, p, region, logical_id):
        physical_id, attributes = create(name, dict(p), region, logical_id)
        delete = getattr(boto3.client("apigatewayv2", region_name=region), f"delete_{kind}")
        return physical_id, attributes, lambda: delete(ApiId=p["ApiId"], **{f"{kind.title()}Id": physical_id})


make_removable("route")
make_removable("authorizer")


# ---------------------------------------------------------------- the cache's users
GROUPS = {}


@extra("AWS::ElastiCache::User")
def user(name, p, region, logical_id):
    is_iam = p.get("AuthenticationMode", {}).get("Type") == "iam"
    if is_iam and p["UserId"] != p["UserName"]:
        raise ValidationError(logical_id, "UserId and UserName must be equal for IAM authentication")
    made = call("elasticache", "CreateUser", p, region, logical=logical_id)
    users = elasticache.elasticache_backends[ACCOUNT][region].users
    return p["UserId"], {"Arn": made["ARN"], "Status": "active"}, lambda: users.pop(p["UserId"])


@extra("AWS::ElastiCache::UserGroup")
def user_group(name, p, region, logical_id):
    p = call("elasticache", "CreateUserGroup", p, region, send=False, logical=logical_id)
    if unknown := set(p.get("UserIds", [])) - set(elasticache.elasticache_backends[ACCOUNT][region].users):
        raise ValidationError(logical_id, f"users not found: {unknown}")
    GROUPS[p["UserGroupId"]] = p
    arn = f"arn:aws:elasticache:{region}:{ACCOUNT}:usergroup:{p['UserGroupId']}"
    return p["UserGroupId"], {"Arn": arn, "Status": "active"}, lambda: GROUPS.pop(p["UserGroupId"], None)


@extra("AWS::ElastiCache::ServerlessCache")
def serverless_cache(name, p, region, logical_id):
    if p["Engine"] not in {"memcached", "redis", "valkey"}:
        raise ValidationError(logical_id, f"no such engine: {p['Engine']}")
    if p.get("UserGroupId", "") not in {"", *GROUPS}:
        raise ValidationError(logical_id, f"user group not found: {p['UserGroupId']}")
    return fake_aws._serverless_cache(name, p, region, logical_id)


for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
    cached.cache_clear()
    cached()  # the cache keeps the only references to the classes


# ---------------------------------------------------------------- the network
create_endpoint = VPCEndPoint.create_from_cloudformation_json.__func__


def create_endpoint_without_routes(cls, resource_name, cloudformation_json, *args, **kwargs):
    cloudformation_json["Properties"].setdefault("RouteTableIds", [])
    return create_endpoint(cls, resource_name, cloudformation_json, *args, **kwargs)


VPCEndPoint.create_from_cloudformation_json = classmethod(create_endpoint_without_routes)


def delete_route_table(self, account_id, region_name):
    boto3.client("ec2", region_name=region_name).delete_route_table(RouteTableId=self.id)


def delete_endpoint(self, account_id, region_name):
    boto3.client("ec2", region_name=region_name).delete_vpc_endpoints(VpcEndpointIds=[self.id])


RouteTable.delete, VPCEndPoint.delete = delete_route_table, delete_endpoint

# ---------------------------------------------------------------- logs
get_moto_attribute = LogGroup.get_cfn_attribute


def get_log_group_attribute(self, attribute_name):
    value = get_moto_attribute(self, attribute_name)
    return f"{value.removesuffix(':*')}:*" if attribute_name == "Arn" else value


LogGroup.get_cfn_attribute = get_log_group_attribute

if __name__ == "__main__":
    import moto_parameters  # noqa: F401  # imported last, because both wrap changes of fake_aws.py
    import moto_updates  # noqa: F401
    from moto import server

    server.signal_handler = lambda *_: os._exit(0)  # moto's handler waits for open keep-alive connections
    server.main(["-H", "127.0.0.1", "-p", PORT])
