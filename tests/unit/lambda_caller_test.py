"""The Lambda adapter: the caller's address and verified claims, which headers cannot forge."""

from ipaddress import ip_address

import pytest
from flask import Flask, request

from shared.constants import CLAIMS, REQUEST_ID
from shared.lambda_adapter.handler import make_handler
from support.event_builders import (
    Request,
    alb,
    alb_multi_value,
    function_url,
    http_api_1,
    http_api_2,
    parse_response,
    rest_api,
)
from support.sample_apps import CONTEXT
from support.sample_news import news_app


def environ_of(event):
    """Return the WSGI environ of an event."""
    environ = {}
    app = Flask("environ", static_folder=None)
    app.before_request(lambda: environ.update(request.environ) or "")
    make_handler(app)(event, CONTEXT)
    return environ


def test_the_address_is_that_of_the_caller(encode):
    assert environ_of(encode(Request()))["REMOTE_ADDR"] == "203.0.113.7"


ADDRESSES = {
    "203.0.113.7": "203.0.113.7",
    "203.0.113.7:54321": "203.0.113.7",
    "198.51.100.1, 203.0.113.7:54321": "203.0.113.7",
    "6.6.6.6, 203.0.113.7": "203.0.113.7",
    "unknown, 203.0.113.7": "203.0.113.7",
    " 203.0.113.7 ": "203.0.113.7",
    "2001:db8::1": "2001:db8::1",
    "2001:DB8:0:0:0:0:0:1": "2001:db8::1",
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:443": "2001:db8::1",
    "::ffff:203.0.113.7": "::ffff:203.0.113.7",
    **dict.fromkeys(
        [
            *("", " ", ",", "203.0.113.7,", "unknown", "_hidden", "203.0.113.7, unknown"),
            *(
                "203.0.113.7:port",
                "203.0.113.7:",
                "203.0.113.7:123456",
                "203.0.113",
                "203.0.113.256",
                "0x7f.1",
            ),
            *(
                "[2001:db8::1",
                "2001:db8::1]:443",
                "[203.0.113.7",
                "[]:80",
                "[::1]x",
                "fe80::1%eth0",
                "1" * 9999,
            ),
            *("203.0.113.7; DROP", "203.0.113.7 198.51.100.1", "\uff12\uff10\uff13.0.113.7", "127.0.0.1#"),
        ],
        "0.0.0.0",
    ),
}


@pytest.mark.parametrize("encode", [alb, alb_multi_value])
@pytest.mark.parametrize(("forwarded", "address"), ADDRESSES.items(), ids=repr)
def test_the_address_behind_a_load_balancer_is_the_last_forwarded_one(forwarded, address, encode):
    event = encode(Request())
    name = "multiValueHeaders" if encode is alb_multi_value else "headers"
    event[name]["x-forwarded-for"] = [forwarded] if encode is alb_multi_value else forwarded
    assert ip_address(environ_of(event)["REMOTE_ADDR"]) == ip_address(address)


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
@pytest.mark.parametrize("source_ip", ["test-invoke-source-ip", "IP", "", None])
def test_an_invalid_address_becomes_the_unspecified_address(source_ip, encode):
    event = encode(Request())
    for name in ("http", "identity"):
        if name in event["requestContext"]:
            event["requestContext"][name]["sourceIp"] = source_ip
    assert environ_of(event)["REMOTE_ADDR"] == "0.0.0.0"


def test_a_missing_address_becomes_the_unspecified_address(encode):
    event = encode(Request())
    for name in ("headers", "multiValueHeaders"):
        event[name] = {}
    for name in ("http", "identity"):
        event["requestContext"].get(name, {}).pop("sourceIp", None)
    assert environ_of(event)["REMOTE_ADDR"] == "0.0.0.0"


IAM = {"userArn": "arn:aws:iam::123456789012:user/eve", "accountId": "123456789012"}


@pytest.mark.parametrize(
    ("event", "claims"),
    [
        (
            http_api_2(Request(), authorizer={"jwt": {"claims": {"sub": "7"}, "scopes": None}}),
            {"sub": "7"},
        ),
        (
            http_api_2(Request(), authorizer={"jwt": {"claims": {"sub": "7"}, "scopes": ["read"]}}),
            {"sub": "7", "scopes": ["read"]},
        ),
        (http_api_2(Request(), authorizer={"lambda": {"tenant": "a"}}), {"tenant": "a"}),
        (http_api_2(Request(), authorizer={"iam": IAM}), None),
        (http_api_1(Request(), authorizer={"iam": IAM}), None),
        (
            http_api_1(Request(), authorizer={"claims": {"sub": "7"}, "scopes": ["read"]}),
            {"sub": "7", "scopes": ["read"]},
        ),
        (http_api_1(Request(), authorizer={"claims": None, "scopes": None}), None),
        (rest_api(Request(), authorizer={"claims": {"sub": "7"}}), {"sub": "7"}),
        (
            rest_api(Request(), authorizer={"principalId": "7", "tenant": "a"}),
            {"principalId": "7", "tenant": "a"},
        ),
        (rest_api(Request()), None),
        (function_url(Request(), authorizer={"iam": IAM}), None),
        (function_url(Request()), None),
        (alb(Request(headers=(("X-Amzn-Oidc-Identity", "7"),))), None),
    ],
)
def test_claims_are_those_that_the_source_has_verified(event, claims):
    assert environ_of(event).get(CLAIMS) == claims


def signed(event):
    """Return the event with a verified IAM signature."""
    context = event["requestContext"]
    if "identity" in context:
        context["identity"] |= IAM
    else:
        context["authorizer"] = {"iam": IAM}
    return event


SIGNATURE = (("Authorization", "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260101"),)


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
def test_a_verified_iam_signature_is_neither_a_claim_nor_a_credential(encode):
    environ = environ_of(signed(encode(Request(headers=SIGNATURE))))
    assert CLAIMS not in environ
    assert "HTTP_AUTHORIZATION" not in environ


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
def test_a_bearer_token_with_an_iam_signature_is_kept(encode):
    environ = environ_of(signed(encode(Request(headers=(("Authorization", "Bearer x"),)))))
    assert environ["HTTP_AUTHORIZATION"] == "Bearer x"


def test_an_unverified_signature_is_kept(encode):
    assert environ_of(encode(Request(headers=SIGNATURE)))["HTTP_AUTHORIZATION"] == SIGNATURE[0][1]


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
def test_a_signed_read_is_cacheable_and_a_signed_write_gets_403(encode):
    handler = make_handler(news_app())
    read = parse_response(handler(signed(encode(Request(path="/news/", headers=SIGNATURE))), CONTEXT))
    assert (read.status, read.headers["cache-control"]) == (200, "no-cache")
    write = parse_response(
        handler(signed(encode(Request("POST", "/news/", headers=SIGNATURE, body=b"{}"))), CONTEXT)
    )
    assert (write.status, write.headers["cache-control"]) == (403, "no-store")


def test_a_read_signed_by_a_cdn_is_served_from_the_cache(valkey):
    handler = make_handler(news_app(items=1, redis_url=valkey.url))
    event = signed(function_url(Request(path="/news/", headers=SIGNATURE)))
    assert [handler(event, CONTEXT)["headers"]["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]


def test_headers_cannot_forge_claims_or_the_request_id(encode):
    forged = ("app.claims", "App-Claims", "app.request_id", "HTTP-app.claims", "Remote-User")
    environ = environ_of(encode(Request(headers=tuple((name, "forged") for name in forged))))
    assert CLAIMS not in environ
    assert environ[REQUEST_ID] == "8c1f"
    assert "REMOTE_USER" not in environ
