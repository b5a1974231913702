"""Make moto's Lambda functions and their roles behave as those of AWS.

* AWS::Lambda::Alias; AWS::Lambda::Version, which fails if nothing changed since the last version
* function updates that keep versions and policy, and apply every property
* LoggingConfig in the configuration of a function
* removal of permissions; role updates that change the policies
"""

import json

import boto3
from moto.awslambda import models as functions
from moto.cloudformation.exceptions import ValidationError
from moto.iam.models import Role
from moto_base import ACCOUNT, call, extra


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


@extra("AWS::Lambda::Permission")
def permission(name, p, region, logical_id):
    call("lambda", "AddPermission", {"StatementId": logical_id, **p}, region, send=False, logical=logical_id)
    function = functions.lambda_backends[ACCOUNT][region].get_function(p["FunctionName"])
    function.policy.add_statement(raw=json.dumps({"StatementId": name, **p}))
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


functions.LambdaFunction.create_from_cloudformation_json = classmethod(create_function_with_text)
functions.LambdaFunction.logging_config = {}
functions.LambdaFunction.get_configuration = get_configuration_with_logs
functions.LambdaFunction.update_from_cloudformation_json = classmethod(update_function)


# ---------------------------------------------------------------- roles
def update_role(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
    documents = cloudformation_json["Properties"].get("Policies", [])
    original_resource.policies = {
        each["PolicyName"]: json.dumps(each["PolicyDocument"]) for each in documents
    }
    return original_resource


Role.update_from_cloudformation_json = classmethod(update_role)
