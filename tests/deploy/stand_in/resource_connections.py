"""Find resources of a deployed stack that cannot reach each other, each as a one-line message.

The checks call the APIs of the services; where the emulator does not keep a property, they read the template.
"""

import json
from functools import partial

from deploy.aws_rules.network import NETWORK_ACTIONS
from deploy.project import REGION
from deploy.reachability import INTERNET, NO_ROUTE, addresses
from deploy.stand_in.aws import ACCOUNT, users_of_cache
from deploy.stand_in.deployed_network import read_network
from deploy.stand_in.elasticache import allows

MIN_ZONES = 2


def broken_connections(stack):
    """Return the messages of all checks."""
    messages = list(api(stack))
    for handler, each in stack.functions().items():
        function = each["Configuration"]
        is_allowed = partial(allows, stack.statements(function))
        for check in (logs, role, table, cache, network):
            messages += [f"{handler}: {message}" for message in check(stack, function, is_allowed)]
    return messages


def api(stack):
    """Check that each route targets a traced function that the API can invoke, and the stage."""
    client, functions = stack.aws.client("apigatewayv2"), stack.aws.client("lambda")
    api_id = stack.id("ApiGatewayV2::Api")
    for key, route in stack.routes().items():
        target = route["Target"].partition("/")[2]
        integration = client.get_integration(ApiId=api_id, IntegrationId=target)
        arn = integration["IntegrationUri"]
        function = functions.get_function(FunctionName=arn)["Configuration"]
        policy = json.loads(functions.get_policy(FunctionName=function["FunctionName"])["Policy"])
        if not any(allows_invocation(each, arn, api_id) for each in policy["Statement"]):
            yield f"{key}: the API cannot invoke {arn}"
        if integration["PayloadFormatVersion"] != "2.0":
            yield f"{key}: payload {integration['PayloadFormatVersion']}"
        if function["TracingConfig"]["Mode"] != "Active":
            yield f"{key}: {arn} is not traced"
    [stage] = client.get_stages(ApiId=api_id)["Items"]
    if stage["StageName"] != "$default" or not stage["AutoDeploy"]:
        yield "the stage is not $default with automatic deployment"
    if not stage["DefaultRouteSettings"].get("ThrottlingRateLimit"):
        yield "the stage has no throttling limit"
    yield from access_log(stack, stage)


def allows_invocation(statement, arn, api_id):
    """Return whether a statement of the function's policy allows the API to invoke it."""
    source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "")
    return (
        statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        and statement["FunctionName"] == arn
        and source.startswith(f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/")
    )


def access_log(stack, stage):
    """Check that the log group of the API exists and has a retention limit."""
    arn = stage["AccessLogSettings"]["DestinationArn"].removesuffix(":*")
    group = log_groups(stack).get(arn)
    if not (group and group.get("retentionInDays")):
        yield f"{arn} does not exist, or has no retention limit"
    json.loads(stage["AccessLogSettings"]["Format"])


def logs(stack, function, is_allowed):
    """Check that the function can write to its log group, which has a retention limit."""
    name = function.get("LoggingConfig", {}).get("LogGroup")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    group = log_groups(stack).get(arn)
    if not (group and group.get("retentionInDays")):
        yield f"{arn} does not exist, or has no retention limit"
    if not is_allowed("logs:PutLogEvents", f"{arn}:log-stream:x"):
        yield f"the function cannot write to {arn}"


def log_groups(stack):
    """Return all log groups by ARN."""
    pages = stack.aws.client("logs").get_paginator("describe_log_groups").paginate()
    return {each["arn"].removesuffix(":*"): each for page in pages for each in page["logGroups"]}


def role(_stack, _function, is_allowed):
    """Check that the function can write traces."""
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        if not is_allowed(action, "*"):
            yield f"the role lacks {action}"


def table(stack, function, is_allowed):
    """Check that the function can read its table, which is an existing one or encrypted and restorable."""
    client = stack.aws.client("dynamodb")
    existing = [value for name, value in stack.parameters().items() if name.endswith("TableName")]
    for variable, name in function["Environment"]["Variables"].items():
        if not variable.endswith("_TABLE"):
            continue
        if not is_allowed("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"):
            yield f"the function cannot read {name}"
        if name in existing:
            continue
        if name not in stack.ids("DynamoDB::Table"):
            yield f"{variable}: {name} is not a table of the stack"
            continue
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
            yield "the table has no point-in-time recovery"
        encryption = client.describe_table(TableName=name)["Table"].get("SSEDescription", {})
        if encryption.get("Status") != "ENABLED":
            yield "the table is not encrypted with an AWS managed key"


def cache(stack, function, is_allowed):
    """Check that the function can connect to the cache as a user of it."""
    environment = function["Environment"]["Variables"]
    user = environment.get("REDIS_IAM_USER")
    for name in stack.ids("ElastiCache::ServerlessCache"):
        if stack.parameters()["Cache"] == "bypass":
            continue
        if environment.get("REDIS_IAM_CACHE") != name:
            yield "the function signs in to another cache"
        if user not in users_of_cache(stack):
            yield f"the cache has no user {user}"
    if name := environment.get("REDIS_IAM_CACHE"):
        for resource in (f"serverlesscache:{name}", f"user:{user}"):
            if not is_allowed("elasticache:Connect", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{resource}"):
                yield f"the role cannot connect to {resource}"


def network(stack, function, is_allowed):
    """Check that the function reaches what its code calls, and the internet only if Egress says so."""
    vpc, variables = function.get("VpcConfig", {}), function["Environment"]["Variables"]
    if not vpc.get("SubnetIds"):
        if ".cache.amazonaws.com" in variables.get("REDIS_URL", ""):
            yield "the function is not in the VPC of the cache"
        return
    found, called = read_network(stack, vpc), list(addresses(variables))
    if stack.parameters()["Egress"] != "none":
        called.append(INTERNET)
    elif stack.ids("EC2::VPC") and found.problem(vpc, INTERNET) != NO_ROUTE:
        yield "the VPC has a route to the internet"
    yield from found.problems(vpc, called)
    yield from (f"the role lacks {action}" for action in NETWORK_ACTIONS if not is_allowed(action, "*"))
    subnets = stack.aws.client("ec2").describe_subnets(SubnetIds=vpc["SubnetIds"])["Subnets"]
    if len({each["AvailabilityZone"] for each in subnets}) < MIN_ZONES:
        yield "the function is in one availability zone only"
