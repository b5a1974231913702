"""Run the AWS emulator of ../shared (moto) with additions: `moto_server.py FAKE_AWS.PY PORT`.

It runs in `.venv-deploy`. It adds behavior of AWS that moto and fake_aws.py lack:

  * AWS::CloudWatch::CompositeAlarm
  * AWS::Lambda::Alias; AWS::Lambda::Version, which fails if nothing changed since the last version
  * function updates that keep versions and policy, and apply every property
  * LoggingConfig in the configuration of a function
  * role updates that change the policies
  * AWS::ElastiCache::User and UserGroup, with validation of engine, group and users
  * removal of routes, authorizers and permissions
  * removal of route tables and endpoints, without which no VPC can be deleted
  * the suffix `:*` of a log group's ARN, which includes its streams
  * stack updates and parameters: see moto_cloudformation.py
"""

import importlib.util
import os
import sys

FAKE_AWS, PORT = sys.argv[1:3]
sys.argv[1:] = [PORT]
spec = importlib.util.spec_from_file_location("fake_aws", FAKE_AWS)
fake_aws = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fake_aws)

import boto3  # noqa: E402
from moto.awslambda import models as functions  # noqa: E402
from moto.cloudformation import parsing  # noqa: E402
from moto.cloudformation.exceptions import ValidationError  # noqa: E402
from moto.ec2.models.route_tables import RouteTable  # noqa: E402
from moto.ec2.models.vpcs import VPCEndPoint  # noqa: E402
from moto.elasticache import models as elasticache  # noqa: E402
from moto.iam.models import Role  # noqa: E402
from moto.logs.models import LogGroup  # noqa: E402

call, extra = fake_aws.call, fake_aws.extra


# ---------------------------------------------------------------- functions
@extra("AWS::Lambda::Version")
def version(name, p, region, logical_id):
    client = boto3.client("lambda", region_name=region)
    there = client.list_versions_by_function(FunctionName=p["FunctionName"])["Versions"]
    made = call("lambda", "PublishVersion", p, region, logical=logical_id)
    if made["Version"] in {each["Version"] for each in there}:
        raise ValidationError(
            logical_id,
            f"A version for this Lambda function exists ( {made['Version']} ). "
            "Modify the function to create a new version.",
        )
    if p.get("CodeSha256", made["CodeSha256"]) != made["CodeSha256"]:
        raise ValidationError(logical_id, "CodeSha256 is not that of the function's code")
    return f"{_unqualified(made['FunctionArn'])}:{made['Version']}", {"Version": made["Version"]}


@extra("AWS::Lambda::Alias")
def alias(name, p, region, logical_id):
    made = call("lambda", "CreateAlias", p, region, logical=logical_id)
    client = boto3.client("lambda", region_name=region)
    arn = f"{_unqualified(made['AliasArn'])}:{p['Name']}"
    return arn, {"AliasArn": arn}, lambda: client.delete_alias(FunctionName=p["FunctionName"], Name=p["Name"])


def _unqualified(arn):
    return ":".join(arn.split(":")[:7])


@extra("AWS::CloudWatch::CompositeAlarm")  # unknown to moto: validated, not created
def composite_alarm(name, p, region, logical_id):
    call("cloudwatch", "PutCompositeAlarm", p, region, send=False, logical=logical_id)
    arn = f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{p['AlarmName']}"
    return p["AlarmName"], {"Arn": arn}


@extra("AWS::Lambda::Permission")
def permission(name, p, region, logical_id):
    call("lambda", "AddPermission", {"StatementId": logical_id, **p}, region, send=False, logical=logical_id)
    function = functions.lambda_backends[ACCOUNT][region].get_function(p["FunctionName"])
    function.policy.add_statement(raw=fake_aws.json.dumps({"StatementId": name, **p}))
    return name, {"Id": name}, lambda: function.policy.del_statement(name)


create_function = functions.LambdaFunction.create_from_cloudformation_json.__func__


def create_function_with_text(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    variables = cloudformation_json["Properties"].get("Environment", {}).get("Variables", {})
    variables.update({name: str(value) for name, value in variables.items()})
    return create_function(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)


def update_function(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    name = cloudformation_json["Properties"].get("FunctionName", original_resource.function_name)
    made = cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)
    made.policy, made.code_or_config_updated = original_resource.policy, True
    return made


get_configuration = functions.LambdaFunction.get_configuration


def get_configuration_with_logs(self, *args, **kwargs):
    return get_configuration(self, *args, **kwargs) | {"LoggingConfig": self.logging_config}


ACCOUNT = fake_aws.os.environ["MOTO_ACCOUNT_ID"]
functions.LambdaFunction.create_from_cloudformation_json = classmethod(create_function_with_text)
functions.LambdaFunction.logging_config = {}
functions.LambdaFunction.get_configuration = get_configuration_with_logs
functions.LambdaFunction.update_from_cloudformation_json = classmethod(update_function)


# ---------------------------------------------------------------- roles
def update_role(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    documents = cloudformation_json["Properties"].get("Policies", [])
    original_resource.policies = {
        each["PolicyName"]: fake_aws.json.dumps(each["PolicyDocument"]) for each in documents
    }
    return original_resource


Role.update_from_cloudformation_json = classmethod(update_role)


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
    import moto_cloudformation  # noqa: F401  # imported last, because it wraps changes of fake_aws.py
    from moto import server

    server.signal_handler = lambda *_: os._exit(0)  # moto's handler waits for open keep-alive connections
    server.main(["-H", "127.0.0.1", "-p", PORT])
