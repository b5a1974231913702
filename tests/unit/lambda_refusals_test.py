"""Events that are no HTTP request, or a broken one; and the real events that others have collected."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.lambda_adapter.events import NotHttp, source_of
from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.environment import SHARED
from support.event_builders import ENCODERS, Sent, alb, got_from, http_api_2, rest_api
from support.sample_apps import CONTEXT

EVENTS = SHARED / "events"

handler = make_handler(sample_apps.mirror_app())
every_kind = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def real_events():
    """The events of the collection: name, kind, event; or one row that is skipped, where it is absent."""
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
def test_real_event_is_answered_or_refused(name, kind, event):
    if kind in SOURCES:
        assert source_of(event).name in SOURCES[kind]
        answer = handler(event, CONTEXT)
        assert got_from(answer).status == 200
        assert json.loads(got_from(answer).body)["path"] == (event.get("rawPath", event.get("path")) or "/")
        assert ("statusDescription" in answer) == ("load balancer" in source_of(event).name)
    elif event.get("source") == "serverless-plugin-warmup":
        assert handler(event, CONTEXT) == {}
    else:
        with pytest.raises(NotHttp):
            handler(event, CONTEXT)


@pytest.mark.parametrize(
    ("event", "look"),
    [
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "SQS"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "SNS"),
        ({"Records": [{"cf": {}}]}, "CloudFront"),
        ({"Records": [{"eventSource": "aws:new"}]}, "aws:new"),
        ({"eventSource": "aws:kafka", "records": {}}, "aws:kafka"),
        ({"source": "aws.events"}, "EventBridge"),
        ({"source": "aws.ec2", "detail-type": "x", "version": "0"}, "EventBridge"),
        ({"type": "TOKEN", "methodArn": "arn", "authorizationToken": "t"}, "authorizer"),
        (rest_api(Sent()) | {"type": "REQUEST", "methodArn": "arn"}, "authorizer"),
        (http_api_2(Sent()) | {"type": "REQUEST", "routeArn": "arn"}, "authorizer"),
        (rest_api(Sent()) | {"requestContext": {"connectionId": "x", "eventType": "CONNECT"}}, "WebSocket"),
        ({"requestPath": "/x", "path": {}, "method": "GET", "headers": {}}, "non-proxy"),
        ({"requestPath": "/x", "path": {}, "httpMethod": "GET", "resource": "/{p}"}, "non-proxy"),
        ({"body-json": {}, "params": {}, "context": {}}, "non-proxy"),
        ({"raw_path": "/", "method": "GET", "headers": {}}, "VPC Lattice"),
        (
            {"version": "2.0", "path": "/", "method": "GET", "requestContext": {"serviceNetworkArn": "arn"}},
            "Lattice",
        ),
        ({"actionGroup": "a", "apiPath": "/", "httpMethod": "GET"}, "Bedrock"),
        ({"version": "1.0", "session": {}, "request": {}}, "nothing known"),
        ({}, "nothing known"),
        ([{"body": "x"}], "list"),
        ("text", "str"),
        (None, "NoneType"),
    ],
)
def test_event_that_is_no_http_request_is_refused_by_name(event, look):
    with pytest.raises(NotHttp, match=look):
        handler(event, CONTEXT)


def test_warm_up_does_nothing():
    app = sample_apps.mirror_app()
    app.wsgi_app = None  # whoever calls it fails
    assert make_handler(app)({"source": "serverless-plugin-warmup"}, CONTEXT) == {}


BROKEN = {
    "bad base64": {"body": "%%%", "isBase64Encoded": True},
    "base64 that is not ASCII": {"body": "ä", "isBase64Encoded": True},
    "half a surrogate pair in the body": {"body": "\ud800"},
    "a body that is no string": {"body": {"a": 1}},
    "headers that are a list": {"headers": ["Accept"], "multiValueHeaders": None},
    "half a surrogate pair in a header": {
        "headers": {"X-A": "\ud800"},
        "multiValueHeaders": {"X-A": ["\ud800"]},
    },
    "a line break in a header": {"headers": {"X-A": "a\r\nX-B: b"}, "multiValueHeaders": {"X-A": ["a\nb"]}},
    "a path that is no string": {"path": None, "rawPath": None},
    "half a surrogate pair in the path": {"path": "/\udfff", "rawPath": "/\udfff"},
    "half a surrogate pair in the query": {
        "rawQueryString": "a=\ud800",
        "queryStringParameters": {"a": "\ud800"},
        "multiValueQueryStringParameters": {"a": ["\ud800"]},
    },
}


@every_kind
@pytest.mark.parametrize("wrong", BROKEN.values(), ids=BROKEN)
def test_malformed_event_gets_a_400_problem(wrong, encode, caplog):
    _assert_refused(encode(Sent("POST", body=b"x")) | wrong, caplog)


@every_kind
@pytest.mark.parametrize("method", [None, "", "GE T", 7])
def test_event_without_a_method_gets_a_400_problem(method, encode, caplog):
    event = encode(Sent())
    (event if "httpMethod" in event else event["requestContext"]["http"])[
        "httpMethod" if "httpMethod" in event else "method"
    ] = method
    _assert_refused(event, caplog)


def test_payload_2_without_a_context_gets_a_400_problem(caplog):
    _assert_refused(http_api_2(Sent()) | {"requestContext": None}, caplog)


def test_event_of_a_proxy_without_a_path_gets_a_400_problem(caplog):
    event = rest_api(Sent())
    del event["path"]
    _assert_refused(event, caplog)


def test_context_that_is_no_object_gets_a_400_problem(caplog):
    _assert_refused(rest_api(Sent()) | {"requestContext": "x"}, caplog)
    _assert_refused(alb(Sent()) | {"headers": "x"}, caplog)


def _assert_refused(event, caplog):
    answer = got_from(handler(event, CONTEXT))
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert (problem["title"], problem["status"], problem["request_id"]) == ("Bad Request", 400, "8c1f")
    assert "request 8c1f is malformed" in caplog.text


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("\ud800"),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)


@every_kind
@given(data=st.data())
def test_event_with_anything_in_any_place_is_answered_or_refused(encode, data):
    event = encode(Sent("POST", "/a", "b=1", (("Cookie", "a=1"),), b"x"))
    place = data.draw(st.sampled_from([event, event["requestContext"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(anything)
    try:
        answer = handler(event, CONTEXT)
    except NotHttp:
        return
    assert got_from(answer).status in {200, 400}
    json.dumps(answer, ensure_ascii=False).encode()
