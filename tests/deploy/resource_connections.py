"""Whether the parts of a deployed stack meet: what doesn't, each as a line for a person.

Asked of the services themselves, as far as the stand-in keeps what it is told; of the template else.
"""

import json
from functools import partial
from urllib.parse import urlsplit

from deploy.aws_emulator import ACCOUNT, users_of_cache
from deploy.elasticache_emulator import allows
from deploy.project import REGION

NETWORK_ACTIONS = {  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def broken_connections(stack):
    """All of them."""
    ends = list(api(stack))
    for handler, each in stack.functions().items():
        function = each["Configuration"]
        may = partial(allows, stack.statements(function))
        for check in (logs, role, table, cache, network):
            ends += [f"{handler}: {line}" for line in check(stack, function, may)]
    return ends


def api(stack):
    """Routes lead to a function that the API may call, and that gives up before it does."""
    client, functions = stack.aws.client("apigatewayv2"), stack.aws.client("lambda")
    api_id = stack.id("ApiGatewayV2::Api")
    for key, route in stack.routes().items():
        target = route["Target"].partition("/")[2]
        integration = client.get_integration(ApiId=api_id, IntegrationId=target)
        arn = integration["IntegrationUri"]
        function = functions.get_function(FunctionName=arn)["Configuration"]
        policy = json.loads(functions.get_policy(FunctionName=function["FunctionName"])["Policy"])
        if not any(lets_call(each, arn, api_id) for each in policy["Statement"]):
            yield f"{key}: the API may not call {arn}"
        if integration["PayloadFormatVersion"] != "2.0":
            yield f"{key}: payload {integration['PayloadFormatVersion']}"
        if function["TracingConfig"]["Mode"] != "Active":
            yield f"{key}: {arn} is not traced"
    [stage] = client.get_stages(ApiId=api_id)["Items"]
    if stage["StageName"] != "$default" or not stage["AutoDeploy"]:
        yield "the API is not deployed at its root"
    if not stage["DefaultRouteSettings"].get("ThrottlingRateLimit"):
        yield "the API is not throttled"
    yield from access_log(stack, stage)


def lets_call(statement, arn, api_id):
    """Whether a statement of a function's policy lets an API call it."""
    source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "")
    return (
        statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        and statement["FunctionName"] == arn
        and source.startswith(f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/")
    )


def access_log(stack, stage):
    """The API's log is there, and doesn't grow for ever."""
    arn = stage["AccessLogSettings"]["DestinationArn"].removesuffix(":*")
    group = log_groups(stack).get(arn)
    if not (group and group.get("retentionInDays")):
        yield f"{arn} is not there, or kept for ever"
    json.loads(stage["AccessLogSettings"]["Format"])


def logs(stack, function, may):
    """The function may write its log, which doesn't grow for ever."""
    name = function.get("LoggingConfig", {}).get("LogGroup")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    group = log_groups(stack).get(arn)
    if not (group and group.get("retentionInDays")):
        yield f"{arn} is not there, or kept for ever"
    if not may("logs:PutLogEvents", f"{arn}:log-stream:x"):
        yield f"the function may not write to {arn}"


def log_groups(stack):
    """The groups of logs that there are, by their ARNs."""
    pages = stack.aws.client("logs").get_paginator("describe_log_groups").paginate()
    return {each["arn"].removesuffix(":*"): each for page in pages for each in page["logGroups"]}


def role(_stack, _function, may):
    """The function may be traced."""
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        if not may(action, "*"):
            yield f"the role lacks {action}"


def table(stack, function, may):
    """The function's table is one of the stack's that it may read, encrypted, and can be restored."""
    client = stack.aws.client("dynamodb")
    for variable, name in function["Environment"]["Variables"].items():
        if not variable.endswith("_TABLE"):
            continue
        if name not in stack.ids("DynamoDB::Table"):
            yield f"{variable}: {name} is no table of the stack"
            continue
        if not may("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"):
            yield f"the function may not read {name}"
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
            yield "the table can't be restored"
        encryption = client.describe_table(TableName=name)["Table"].get("SSEDescription", {})
        if encryption.get("Status") != "ENABLED":
            yield "the table is not encrypted with a key of the account"


def cache(stack, function, may):
    """The function's user may come into the cache, and is one of the cache's."""
    environment = function["Environment"]["Variables"]
    user = environment.get("REDIS_IAM_USER")
    for name in stack.ids("ElastiCache::ServerlessCache"):
        if environment.get("REDIS_IAM_CACHE") != name:
            yield "the function has another cache"
        if user not in users_of_cache(stack):
            yield f"the cache has no user {user}"
        for resource in (f"serverlesscache:{name}", f"user:{user}"):
            if not may("elasticache:Connect", f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{resource}"):
                yield f"the role may not connect to {resource}"


def network(stack, function, may):
    """From the function's subnets there is a way to the cache and to DynamoDB, and none anywhere else."""
    subnets = function.get("VpcConfig", {}).get("SubnetIds", [])
    if not subnets:
        if "REDIS_URL" in function["Environment"]["Variables"]:
            yield "the cache is in a network that the function is not in"
        return
    ec2 = stack.aws.client("ec2")
    yield from gateway(ec2, stack, subnets)
    yield from security_groups(ec2, stack, function)
    yield from (f"the role lacks {action}" for action in NETWORK_ACTIONS if not may(action, "*"))
    zones = {each["AvailabilityZone"] for each in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    if len(zones) < 2:
        yield "the function is in one zone only"
    if stack.ids("EC2::NatGateway") or stack.ids("EC2::InternetGateway"):
        yield "the network leads to the internet"


def gateway(ec2, stack, subnets):
    """The endpoint of DynamoDB is in the routes of every subnet."""
    linked = set()
    for endpoint in ec2.describe_vpc_endpoints(VpcEndpointIds=stack.ids("EC2::VPCEndpoint"))["VpcEndpoints"]:
        if endpoint["ServiceName"] == f"com.amazonaws.{REGION}.dynamodb":
            for table_id in endpoint.get("RouteTableIds", []):
                [found] = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
                linked |= {each.get("SubnetId") for each in found["Associations"]}
    yield from (f"no way to DynamoDB from {subnet}" for subnet in set(subnets) - linked)


def security_groups(ec2, stack, function):
    """The function may send to the cache and to DynamoDB, and the cache takes it from the function."""
    mine = function["VpcConfig"]["SecurityGroupIds"]
    groups = {
        each["GroupId"]: each
        for each in ec2.describe_security_groups(GroupIds=stack.ids("EC2::SecurityGroup"))["SecurityGroups"]
    }
    port = urlsplit(function["Environment"]["Variables"].get("REDIS_URL", "")).port or 6379
    sends = [rule for group in mine for rule in groups[group]["IpPermissionsEgress"]]
    takes = [
        rule
        for name, group in groups.items()
        if name not in mine
        for rule in group["IpPermissions"]
        if any(pair["GroupId"] in mine for pair in rule.get("UserIdGroupPairs", []))
    ]
    for what, rules, wanted in (
        ("the function may not send to", sends, port),
        ("the function may not send to", sends, 443),
        ("the cache takes nothing from the function at", takes, port),
    ):
        if not any(covers(rule, wanted) for rule in rules):
            yield f"{what} port {wanted}"


def covers(rule, port):
    """Whether a rule is about a port."""
    return rule["IpProtocol"] == "-1" or rule["FromPort"] <= port <= rule["ToPort"]
