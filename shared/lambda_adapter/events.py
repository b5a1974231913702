"""The sources of HTTP events, and how to recognize them."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from shared.lambda_adapter import requests, responses
from shared.lambda_adapter.fields import Event
from shared.lambda_adapter.requests import HttpRequest
from shared.lambda_adapter.responses import LambdaResponse
from shared.web.mount import Mount

MAX_RESPONSE_BYTES = 6_291_556
"""Limit of the response as JSON, as Lambda counts it: 6 MB.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

MAX_ALB_RESPONSE_BYTES = 1024 * 1024
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html: 1 MB."""


class NotHttp(Exception):
    """The event is not an HTTP request. The message names its likely source.

    It fails the invocation, because a response would acknowledge, and so lose, a message.
    """


class Source(Struct, frozen=True):
    """A source of HTTP events.

    Attributes:
        name: The name in log messages.
        read_request: Reads the HTTP request in an event.
        format_response: Converts a response to the format of the source.
        max_response_bytes: The limit of the response as JSON.
    """

    name: str
    read_request: Callable[[Event, Mount], HttpRequest]
    format_response: Callable[[LambdaResponse], Event]
    max_response_bytes: int = MAX_RESPONSE_BYTES


HTTP_API_V2 = Source("HTTP API, payload 2.0", requests.from_http_api_v2, responses.to_payload_v2)
HTTP_API_V1 = Source("HTTP API, payload 1.0", requests.from_http_api_v1, responses.to_payload_v1)
REST_API = Source("REST API", requests.from_rest_api, responses.to_payload_v1)
FUNCTION_URL = Source("Function URL", requests.from_function_url, responses.to_payload_v2)
ALB = Source("load balancer", requests.from_alb, responses.to_alb, MAX_ALB_RESPONSE_BYTES)
ALB_MULTI_VALUE = Source(
    "load balancer, multi-value headers",
    requests.from_alb,
    responses.to_alb_multi_value,
    MAX_ALB_RESPONSE_BYTES,
)

PAYLOAD_V2_KEYS = {"rawPath", "routeKey"}
PAYLOAD_V1_KEYS = {"resource", "path", "httpMethod"}
"""Keys of the events of each payload version. Two are enough: without the third, the response is a 400."""

NOT_HTTP_KEYS = {"methodArn", "routeArn", "authorizationToken", "requestPath"}
"""Keys of events that resemble HTTP requests: those of authorizers and non-proxy integrations."""

EVENT_HINTS = {
    "connectionId": "a WebSocket API",
    "methodArn": "a Lambda authorizer",
    "routeArn": "a Lambda authorizer",
    "authorizationToken": "an AppSync authorizer",
    "protocolData": "an IoT authorizer",
    "requestPath": "API Gateway's non-proxy integration (use lambda-proxy)",
    "body-json": "API Gateway's non-proxy integration (use lambda-proxy)",
    "raw_path": "VPC Lattice",
    "serviceNetworkArn": "VPC Lattice",
    "detail-type": "EventBridge",
    "awslogs": "CloudWatch Logs",
    "triggerSource": "a Cognito user pool",
    "actionGroup": "a Bedrock agent",
    "arguments": "AppSync",
    "ResourceProperties": "CloudFormation (custom resource)",
    "SecretId": "Secrets Manager (rotation)",
    "deliveryStreamArn": "Data Firehose",
    "getObjectContext": "S3 Object Lambda",
    "CodePipeline.job": "CodePipeline",
    "invokingEvent": "AWS Config",
    "Details": "Amazon Connect",
    "source": "EventBridge (perhaps a schedule)",
}
"""The likely source of an event that has this key."""

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
    """Return whether serverless-plugin-warmup sent the event, to keep the environment in memory."""
    return isinstance(event, dict) and event.get("source") == "serverless-plugin-warmup"


def identify_source(event: Any) -> Source:
    """Return the source of an HTTP event, from keys that AWS documents (see the functions in requests.py).

    Raises:
        NotHttp: The event is not an HTTP request.
    """
    if not isinstance(event, dict):
        raise NotHttp(f"the event is not an HTTP request: it is of type {type(event).__name__}")
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    if NOT_HTTP_KEYS.isdisjoint(event) and "connectionId" not in context:
        if "elb" in context:
            return ALB if event.get("multiValueHeaders") is None else ALB_MULTI_VALUE
        if not PAYLOAD_V2_KEYS.isdisjoint(event) or "http" in context:
            return FUNCTION_URL if ".lambda-url." in str(context.get("domainName")).lower() else HTTP_API_V2
        if len(PAYLOAD_V1_KEYS.intersection(event)) > 1:
            return HTTP_API_V1 if event.get("version") == "1.0" else REST_API  # REST events have no version
    raise NotHttp(f"the event is not an HTTP request: it looks like one from {_guess_source(event, context)}")


def _guess_source(event: Event, context: Event) -> str:
    """Return the likely source of an event that is not an HTTP request, for the log."""
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return _guess_record_source(records[0])
    if "eventSource" in event:
        return str(event["eventSource"])
    for key, source in EVENT_HINTS.items():
        if key in event or key in context:
            return source
    return f"an unknown source, with the keys {sorted(map(str, event))[:10]}"


def _guess_record_source(record: Event) -> str:
    if "cf" in record:
        return "CloudFront (Lambda@Edge)"
    source = str(record.get("eventSource") or record.get("EventSource"))
    return RECORD_SOURCES.get(source, source)
