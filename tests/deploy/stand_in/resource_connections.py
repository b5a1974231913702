"""Find resources of a deployed stack that cannot reach each other, each as a one-line message.

The checks call the APIs of the services; where the emulator does not keep a property, they read the template.
"""

import json
from functools import partial
from urllib.parse import urlsplit

from deploy.aws_rules.network import NETWORK_ACTIONS
from deploy.project import REGION
from deploy.stand_in.aws import ACCOUNT, users_of_cache
from deploy.stand_in.elasticache import allows


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
    """Check that the function can read its table, which is in the stack, encrypted and restorable."""
    client = stack.aws.client("dynamodb")
    for variable, name in function["Environment"]["Variables"].items():
        if not variable.endswith("_TABLE"):
            continue
        if name not in stack.ids("DynamoDB::Table"):
            yield f"{variable}: {name} is not a table of the stack"
            continue
        if not is_allowed("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"):
            yield f"the function cannot read {name}"
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
        if environment.get("REDIS_IAM_CACHE") != name:
            yield "the function signs in to another cache"
        if user not in users_of_cache(stack):
            yield f"the cache has no user {user}"
        for resource in (f"serverlesscache:{name}", f"user:{user}"):
            if not is_allowed("elasticache:Connect", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{resource}"):
                yield f"the role cannot connect to {resource}"


def network(stack, function, is_allowed):
    """Check that the subnets of the function reach the cache and DynamoDB, and nothing else."""
    subnets = function.get("VpcConfig", {}).get("SubnetIds", [])
    if not subnets:
        if "REDIS_URL" in function["Environment"]["Variables"]:
            yield "the function is not in the VPC of the cache"
        return
    ec2 = stack.aws.client("ec2")
    yield from gateway(ec2, stack, subnets)
    yield from security_groups(ec2, stack, function)
    yield from (f"the role lacks {action}" for action in NETWORK_ACTIONS if not is_allowed(action, "*"))
    zones = {each["AvailabilityZone"] for each in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    if len(zones) < 2:
        yield "the function is in one availability zone only"
    if stack.ids("EC2::NatGateway") or stack.ids("EC2::InternetGateway"):
        yield "the VPC has a gateway to the internet"


def gateway(ec2, stack, subnets):
    """Check that every subnet has a route to the DynamoDB endpoint."""
    linked = set()
    for endpoint in ec2.describe_vpc_endpoints(VpcEndpointIds=stack.ids("EC2::VPCEndpoint"))["VpcEndpoints"]:
        if endpoint["ServiceName"] == f"com.amazonaws.{REGION}.dynamodb":
            for table_id in endpoint.get("RouteTableIds", []):
                [found] = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
                linked |= {each.get("SubnetId") for each in found["Associations"]}
    yield from (f"no route to DynamoDB from {subnet}" for subnet in set(subnets) - linked)


def security_groups(ec2, stack, function):
    """Check that the security groups allow traffic to DynamoDB, and from the function to the cache."""
    own_groups = function["VpcConfig"]["SecurityGroupIds"]
    groups = {
        each["GroupId"]: each
        for each in ec2.describe_security_groups(GroupIds=stack.ids("EC2::SecurityGroup"))["SecurityGroups"]
    }
    port = urlsplit(function["Environment"]["Variables"].get("REDIS_URL", "")).port or 6379
    egress = [rule for group in own_groups for rule in groups[group]["IpPermissionsEgress"]]
    ingress = [
        rule
        for name, group in groups.items()
        if name not in own_groups
        for rule in group["IpPermissions"]
        if any(pair["GroupId"] in own_groups for pair in rule.get("UserIdGroupPairs", []))
    ]
    for problem, rules, needed in (
        ("the function cannot send to", egress, port),
        ("the function cannot send to", egress, 443),
        ("the cache rejects the function at", ingress, port),
    ):
        if not any(covers(rule, needed) for rule in rules):
            yield f"{problem} port {needed}"


def covers(rule, port):
    """Return whether a security group rule includes a port."""
    return rule["IpProtocol"] == "-1" or rule["FromPort"] <= port <= rule["ToPort"]
