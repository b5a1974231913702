"""Events that are not HTTP requests, malformed HTTP events, and a collection of real events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lambda_adapter.events import NotHttp, identify_source
from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.environment import SHARED
from support.event_builders import Request, alb, http_api_2, parse_response, rest_api
from support.sample_apps import CONTEXT

EVENTS = SHARED / "events"

handler = make_handler(sample_apps.mirror_app())


def real_events():
    """Return name, kind and event of each real event, or one skipped case without the collection."""
    if not EVENTS.exists():
        return [
            pytest.param(
                "", "", {}, marks=pytest.mark.skip(reason="no collection of events in ../shared/events")
            )
        ]
    manifest = json.loads((EVENTS / "manifest.json").read_text())
    return [
        pytest.param(name, entry["kind"], json.loads((EVENTS / name).read_text()), id=name)
        for name, entry in manifest.items()
    ]


SOURCES = {
    "apigw-v2": {"HTTP API, payload 2.0"},
    "apigw-v1": {"HTTP API, payload 1.0", "REST API"},
    "function-url": {"Function URL"},
    "alb": {"load balancer"},
    "alb-multi": {"load balancer, multi-value headers"},
}


@pytest.mark.parametrize(("name", "kind", "event"), real_events())
def test_a_real_event_gets_a_response_or_raises_not_http(name, kind, event):
    if kind in SOURCES:
        assert identify_source(event).name in SOURCES[kind]
        response = handler(event, CONTEXT)
        assert parse_response(response).status == 200
        assert json.loads(parse_response(response).body)["path"] == (
            event.get("rawPath", event.get("path")) or "/"
        )
        assert ("statusDescription" in response) == ("load balancer" in identify_source(event).name)
    elif event.get("source") == "serverless-plugin-warmup":
        assert handler(event, CONTEXT) == {}
    else:
        with pytest.raises(NotHttp):
            handler(event, CONTEXT)


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "SQS"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "SNS"),
        ({"Records": [{"cf": {}}]}, "CloudFront"),
        ({"Records": [{"eventSource": "aws:new"}]}, "aws:new"),
        ({"eventSource": "aws:kafka", "records": {}}, "aws:kafka"),
        ({"source": "aws.events"}, "EventBridge"),
        ({"source": "aws.ec2", "detail-type": "x", "version": "0"}, "EventBridge"),
        ({"type": "TOKEN", "methodArn": "arn", "authorizationToken": "t"}, "authorizer"),
        (rest_api(Request()) | {"type": "REQUEST", "methodArn": "arn"}, "authorizer"),
        (http_api_2(Request()) | {"type": "REQUEST", "routeArn": "arn"}, "authorizer"),
        (
            rest_api(Request()) | {"requestContext": {"connectionId": "x", "eventType": "CONNECT"}},
            "WebSocket",
        ),
        ({"requestPath": "/x", "path": {}, "method": "GET", "headers": {}}, "non-proxy"),
        ({"requestPath": "/x", "path": {}, "httpMethod": "GET", "resource": "/{p}"}, "non-proxy"),
        ({"body-json": {}, "params": {}, "context": {}}, "non-proxy"),
        ({"raw_path": "/", "method": "GET", "headers": {}}, "VPC Lattice"),
        (
            {"version": "2.0", "path": "/", "method": "GET", "requestContext": {"serviceNetworkArn": "arn"}},
            "Lattice",
        ),
        ({"actionGroup": "a", "apiPath": "/", "httpMethod": "GET"}, "Bedrock"),
        ({"version": "1.0", "session": {}, "request": {}}, "unknown source"),
        ({}, "unknown source"),
        ([{"body": "x"}], "list"),
        ("text", "str"),
        (None, "NoneType"),
    ],
)
def test_an_event_that_is_not_http_raises_an_error_that_names_its_source(event, source):
    with pytest.raises(NotHttp, match=source):
        handler(event, CONTEXT)


def test_a_warm_up_event_does_not_call_the_app():
    app = sample_apps.mirror_app()
    app.wsgi_app = None  # a call raises TypeError
    assert make_handler(app)({"source": "serverless-plugin-warmup"}, CONTEXT) == {}


MALFORMED = {
    "bad base64": {"body": "%%%", "isBase64Encoded": True},
    "base64 that is not ASCII": {"body": "ä", "isBase64Encoded": True},
    "a lone surrogate in the body": {"body": "\ud800"},
    "a body that is not a string": {"body": {"a": 1}},
    "headers that are a list": {"headers": ["Accept"], "multiValueHeaders": None},
    "a lone surrogate in a header": {
        "headers": {"X-A": "\ud800"},
        "multiValueHeaders": {"X-A": ["\ud800"]},
    },
    "a line break in a header": {"headers": {"X-A": "a\r\nX-B: b"}, "multiValueHeaders": {"X-A": ["a\nb"]}},
    "a path that is not a string": {"path": None, "rawPath": None},
    "a lone surrogate in the path": {"path": "/\udfff", "rawPath": "/\udfff"},
    "a lone surrogate in the query": {
        "rawQueryString": "a=\ud800",
        "queryStringParameters": {"a": "\ud800"},
        "multiValueQueryStringParameters": {"a": ["\ud800"]},
    },
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_event_gets_a_400_problem(malformed, encode, caplog):
    _assert_malformed(encode(Request("POST", body=b"x")) | malformed, caplog)


@pytest.mark.parametrize("method", [None, "", "GE T", 7])
def test_an_event_without_a_method_gets_a_400_problem(method, encode, caplog):
    event = encode(Request())
    (event if "httpMethod" in event else event["requestContext"]["http"])[
        "httpMethod" if "httpMethod" in event else "method"
    ] = method
    _assert_malformed(event, caplog)


def test_payload_2_without_a_request_context_gets_a_400_problem(caplog):
    _assert_malformed(http_api_2(Request()) | {"requestContext": None}, caplog)


def test_a_rest_event_without_a_path_gets_a_400_problem(caplog):
    event = rest_api(Request())
    del event["path"]
    _assert_malformed(event, caplog)


def test_a_field_that_is_not_an_object_gets_a_400_problem(caplog):
    _assert_malformed(rest_api(Request()) | {"requestContext": "x"}, caplog)
    _assert_malformed(alb(Request()) | {"headers": "x"}, caplog)


def _assert_malformed(event, caplog):
    response = parse_response(handler(event, CONTEXT))
    assert response.status == 400
    assert response.headers["content-type"] == "application/problem+json"
    problem = json.loads(response.body)
    assert (problem["title"], problem["status"], problem["request_id"]) == ("Bad Request", 400, "8c1f")
    assert "malformed request 8c1f from " in caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("\ud800"),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)


@given(data=st.data())
def test_an_event_with_any_value_in_any_field_gets_200_or_400_or_raises_not_http(encode, data):
    event = encode(Request("POST", "/a", "b=1", (("Cookie", "a=1"),), b"x"))
    parent = data.draw(st.sampled_from([event, event["requestContext"]]))
    parent[data.draw(st.sampled_from(sorted(parent)))] = data.draw(anything)
    try:
        response = handler(event, CONTEXT)
    except NotHttp:
        return
    assert parse_response(response).status in {200, 400}
    json.dumps(response, ensure_ascii=False).encode()
