"""What kind of event has come: which source of HTTP events sent it, or that it is no HTTP request."""

from collections.abc import Callable
from typing import Any, NamedTuple

from shared.lambda_adapter import requests
from shared.lambda_adapter import responses as answers
from shared.lambda_adapter.fields import Event
from shared.lambda_adapter.requests import HttpRequest
from shared.lambda_adapter.responses import LambdaResponse
from shared.web.mount import Mount

MAX_RESPONSE_BYTES = 6_291_556
"""Of an answer as JSON: 6 MB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), as
Lambda counts it."""

MAX_ALB_RESPONSE_BYTES = 1024 * 1024
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html: 1 MB."""


class NotHttp(Exception):
    """An event that is no HTTP request; the message names what it looks like.

    It fails the invocation, on purpose: an answer would tell the sender that its message was handled.
    """


class Source(NamedTuple):
    """A kind of HTTP event: how to read its request, how to write its answer, and its limit in bytes."""

    name: str
    read: Callable[[Event, Mount], HttpRequest]
    write: Callable[[LambdaResponse], Event]
    limit: int = MAX_RESPONSE_BYTES


HTTP_API_2 = Source("HTTP API, payload 2.0", requests.http_api_2, answers.to_payload_v2)
HTTP_API_1 = Source("HTTP API, payload 1.0", requests.http_api_1, answers.multi_value)
REST_API = Source("REST API", requests.rest_api, answers.multi_value)
FUNCTION_URL = Source("Function URL", requests.function_url, answers.to_payload_v2)
ALB = Source("load balancer", requests.alb, answers.alb_single_value, MAX_ALB_RESPONSE_BYTES)
ALB_MULTI_VALUE = Source(
    "load balancer, multi-value headers", requests.alb, answers.alb_multi_value, MAX_ALB_RESPONSE_BYTES
)

PAYLOAD_2 = {"rawPath", "routeKey"}
PAYLOAD_1 = {"resource", "path", "httpMethod"}
"""What the events of these payloads have; two are enough, for one that lacks the third gets a 400."""

REFUSED = {"methodArn", "routeArn", "authorizationToken", "requestPath"}
"""What only events have that look like a request and want another answer: authorizers' and non-proxy ones."""

EVENT_HINTS = {
    "connectionId": "a WebSocket API's",
    "methodArn": "a Lambda authorizer's",
    "routeArn": "a Lambda authorizer's",
    "authorizationToken": "an AppSync authorizer's",
    "protocolData": "an IoT authorizer's",
    "requestPath": "one of API Gateway's non-proxy integration (use lambda-proxy)",
    "body-json": "one of API Gateway's non-proxy integration (use lambda-proxy)",
    "raw_path": "one of VPC Lattice",
    "serviceNetworkArn": "one of VPC Lattice",
    "detail-type": "one of EventBridge",
    "awslogs": "one of CloudWatch Logs",
    "triggerSource": "one of a Cognito user pool",
    "actionGroup": "one of a Bedrock agent",
    "arguments": "one of AppSync",
    "ResourceProperties": "one of CloudFormation (custom resource)",
    "SecretId": "one of Secrets Manager (rotation)",
    "deliveryStreamArn": "one of Data Firehose",
    "getObjectContext": "one of S3 Object Lambda",
    "CodePipeline.job": "one of CodePipeline",
    "invokingEvent": "one of AWS Config",
    "Details": "one of Amazon Connect",
    "source": "one of EventBridge (a schedule?)",
}
RECORD_SOURCES = {
    "aws:sqs": "SQS",
    "aws:sns": "SNS",
    "aws:s3": "S3",
    "aws:ses": "SES",
    "aws:kinesis": "Kinesis",
    "aws:dynamodb": "DynamoDB Streams",
    "aws:codecommit": "CodeCommit",
}


def is_warm_up(event: object) -> bool:
    """Whether it is serverless-plugin-warmup that calls, only to keep the function in memory."""
    return isinstance(event, dict) and event.get("source") == "serverless-plugin-warmup"


def source_of(event: Any) -> Source:
    """Reporter where an HTTP event comes from, by marks that AWS documents (the readers name the pages).

    Raises:
        NotHttp: it is no HTTP request.
    """
    if not isinstance(event, dict):
        raise NotHttp(f"the event is no HTTP request: it is a {type(event).__name__}")
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    if REFUSED.isdisjoint(event) and "connectionId" not in context:
        if "elb" in context:
            return ALB if event.get("multiValueHeaders") is None else ALB_MULTI_VALUE
        if not PAYLOAD_2.isdisjoint(event) or "http" in context:
            return FUNCTION_URL if ".lambda-url." in str(context.get("domainName")).lower() else HTTP_API_2
        if len(PAYLOAD_1.intersection(event)) > 1:
            return HTTP_API_1 if event.get("version") == "1.0" else REST_API  # which has no version
    raise NotHttp(f"the event is no HTTP request: it looks like {_look(event, context)}")


def _look(event: Event, context: Event) -> str:
    """What an event that is no HTTP request looks like, for a person who reads the log."""
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return _look_of_record(records[0])
    if "eventSource" in event:
        return f"one of {event['eventSource']}"
    for mark, look in EVENT_HINTS.items():
        if mark in event or mark in context:
            return look
    return f"nothing known here; it has the keys {sorted(map(str, event))[:10]}"


def _look_of_record(record: Event) -> str:
    if "cf" in record:
        return "one of CloudFront (Lambda@Edge)"
    sender = str(record.get("eventSource") or record.get("EventSource"))
    return f"one of {RECORD_SOURCES.get(sender, sender)}"
