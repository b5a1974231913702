"""Whether the parts of a deployed stack meet: what doesn't, each as a line for a person.

Asked of the services themselves, as far as the stand-in keeps what it is told; of the template else.
"""

import json
from urllib.parse import urlsplit

from deploy.aws import ACCOUNT, users_of_cache
from deploy.elasticache import allows
from deploy.project import REGION

NETWORK_ACTIONS = {  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


def loose_ends(stack):
    """All of them."""
    return [line for check in (api, logs, role, table, cache, network) for line in check(stack)]


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
    json.loads(stage["AccessLogSettings"]["Format"])


def lets_call(statement, arn, api_id):
    """Whether a statement of a function's policy lets an API call it."""
    source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", "")
    return (
        statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
        and statement["FunctionName"] == arn
        and source.startswith(f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/")
    )


def logs(stack):
    """Both logs are there, and don't grow for ever."""
    groups = {
        each["arn"].removesuffix(":*"): each
        for each in stack.aws.client("logs").describe_log_groups()["logGroups"]
    }
    [stage] = stack.aws.client("apigatewayv2").get_stages(ApiId=stack.id("ApiGatewayV2::Api"))["Items"]
    named = stack.ids("Logs::LogGroup")
    if stage["AccessLogSettings"]["DestinationArn"].removesuffix(":*") not in groups:
        yield "the API's log group is not there"
    for arn, group in groups.items():
        if group["logGroupName"] in named and not group.get("retentionInDays"):
            yield f"{arn} is kept for ever"
        if (
            group["logGroupName"] in named
            and "/lambda/" in arn
            and not allows(stack.statements(), arn + ":log-stream:x", "logs:PutLogEvents")
        ):
            yield f"the function may not write to {arn}"


def role(stack):
    """The function may be traced."""
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        if not allows(stack.statements(), "*", action):
            yield f"the role lacks {action}"


def table(stack):
    """The function's table is the stack's, and can be restored."""
    client = stack.aws.client("dynamodb")
    name = stack.id("DynamoDB::Table")
    if stack.function()["Configuration"]["Environment"]["Variables"].get("NEWS_TABLE") != name:
        yield "the function has another table"
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        yield "the table can't be restored"
    if client.describe_table(TableName=name)["Table"].get("SSEDescription", {}).get("Status") != "ENABLED":
        yield "the table is not encrypted with a key of the account"


def cache(stack):
    """The function's user may come into the cache, and is one of the cache's."""
    for name in stack.ids("ElastiCache::ServerlessCache"):
        environment = stack.function()["Configuration"]["Environment"]["Variables"]
        user = environment.get("REDIS_IAM_USER")
        if environment.get("REDIS_IAM_CACHE") != name:
            yield "the function has another cache"
        if user not in users_of_cache(stack):
            yield f"the cache has no user {user}"
        for resource in (f"serverlesscache:{name}", f"user:{user}"):
            if not allows(stack.statements(), f"arn:aws:elasticache:{REGION}:{ACCOUNT}:{resource}"):
                yield f"the role may not connect to {resource}"


def network(stack):
    """From the function's subnets there is a way to the cache and to DynamoDB, and none anywhere else."""
    function = stack.function()["Configuration"]
    subnets = function.get("VpcConfig", {}).get("SubnetIds", [])
    if not subnets:
        if "REDIS_URL" in function["Environment"]["Variables"]:
            yield "the cache is in a network that the function is not in"
        return
    ec2 = stack.aws.client("ec2")
    yield from gateway(ec2, stack, subnets)
    yield from security_groups(ec2, stack, function)
    yield from (
        f"the role lacks {action}"
        for action in NETWORK_ACTIONS
        if not allows(stack.statements(), "*", action)
    )
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
