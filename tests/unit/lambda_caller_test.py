"""The Lambda handler: who the app is told the caller is, and nobody can forge."""

from ipaddress import ip_address

import pytest
from flask import Flask, request

from shared.constants import CLAIMS, REQUEST_ID
from shared.lambda_adapter.handler import make_handler
from support.event_builders import (
    ENCODERS,
    Sent,
    alb,
    alb_multi_value,
    function_url,
    got_from,
    http_api_1,
    http_api_2,
    rest_api,
)
from support.sample_apps import CONTEXT
from support.sample_news import news_app

every_kind = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def environ_of(event):
    """The environ that the app gets."""
    kept = {}
    app = Flask("environ", static_folder=None)
    app.before_request(lambda: kept.update(request.environ) or "")
    make_handler(app)(event, CONTEXT)
    return kept


@pytest.mark.parametrize(
    ("encode", "address"),
    [(encode, "203.0.113.7") for encode in ENCODERS.values()],
)
def test_address_is_the_callers(encode, address):
    assert environ_of(encode(Sent()))["REMOTE_ADDR"] == address


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
def test_address_behind_a_load_balancer_is_the_one_it_saw_without_the_port(forwarded, address, encode):
    event = encode(Sent())
    name = "multiValueHeaders" if encode is alb_multi_value else "headers"
    event[name]["x-forwarded-for"] = [forwarded] if encode is alb_multi_value else forwarded
    assert ip_address(environ_of(event)["REMOTE_ADDR"]) == ip_address(address)


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
@pytest.mark.parametrize("source_ip", ["test-invoke-source-ip", "IP", "", None])
def test_address_that_is_none_is_the_unspecified_one(source_ip, encode):
    event = encode(Sent())
    for name in ("http", "identity"):
        if name in event["requestContext"]:
            event["requestContext"][name]["sourceIp"] = source_ip
    assert environ_of(event)["REMOTE_ADDR"] == "0.0.0.0"


@every_kind
def test_unknown_address_is_the_unspecified_one(encode):
    event = encode(Sent())
    for name in ("headers", "multiValueHeaders"):
        event[name] = {}
    for name in ("http", "identity"):
        event["requestContext"].get(name, {}).pop("sourceIp", None)
    assert environ_of(event)["REMOTE_ADDR"] == "0.0.0.0"


IAM = {"userArn": "arn:aws:iam::123456789012:user/eve", "accountId": "123456789012"}


@pytest.mark.parametrize(
    ("event", "claims"),
    [
        (http_api_2(Sent(), authorizer={"jwt": {"claims": {"sub": "7"}, "scopes": None}}), {"sub": "7"}),
        (
            http_api_2(Sent(), authorizer={"jwt": {"claims": {"sub": "7"}, "scopes": ["read"]}}),
            {"sub": "7", "scopes": ["read"]},
        ),
        (http_api_2(Sent(), authorizer={"lambda": {"tenant": "a"}}), {"tenant": "a"}),
        (http_api_2(Sent(), authorizer={"iam": IAM}), None),
        (http_api_1(Sent(), authorizer={"iam": IAM}), None),
        (
            http_api_1(Sent(), authorizer={"claims": {"sub": "7"}, "scopes": ["read"]}),
            {"sub": "7", "scopes": ["read"]},
        ),
        (http_api_1(Sent(), authorizer={"claims": None, "scopes": None}), None),
        (rest_api(Sent(), authorizer={"claims": {"sub": "7"}}), {"sub": "7"}),
        (
            rest_api(Sent(), authorizer={"principalId": "7", "tenant": "a"}),
            {"principalId": "7", "tenant": "a"},
        ),
        (rest_api(Sent()), None),
        (function_url(Sent(), authorizer={"iam": IAM}), None),
        (function_url(Sent()), None),
        (alb(Sent(headers=(("X-Amzn-Oidc-Identity", "7"),))), None),
    ],
)
def test_claims_are_what_the_source_has_verified(event, claims):
    assert environ_of(event).get(CLAIMS) == claims


def signed(event):
    """The event as IAM has verified it, with the signature as its Authorization header."""
    context = event["requestContext"]
    if "identity" in context:
        context["identity"] |= IAM
    else:
        context["authorizer"] = {"iam": IAM}
    return event


SIGNATURE = (("Authorization", "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260101"),)


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
def test_iam_signature_is_neither_a_claim_nor_a_credential_of_the_client(encode):
    environ = environ_of(signed(encode(Sent(headers=SIGNATURE))))
    assert CLAIMS not in environ
    assert "HTTP_AUTHORIZATION" not in environ


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
def test_bearer_token_beside_an_iam_signature_is_kept(encode):
    environ = environ_of(signed(encode(Sent(headers=(("Authorization", "Bearer x"),)))))
    assert environ["HTTP_AUTHORIZATION"] == "Bearer x"


@every_kind
def test_signature_that_the_platform_has_not_verified_is_kept(encode):
    assert environ_of(encode(Sent(headers=SIGNATURE)))["HTTP_AUTHORIZATION"] == SIGNATURE[0][1]


@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api, function_url])
def test_signed_read_is_cacheable_and_a_signed_write_is_refused(encode):
    handler = make_handler(news_app())
    read = got_from(handler(signed(encode(Sent(path="/news/", headers=SIGNATURE))), CONTEXT))
    assert (read.status, read.headers["cache-control"]) == (200, "no-cache")
    write = got_from(handler(signed(encode(Sent("POST", "/news/", headers=SIGNATURE, body=b"{}"))), CONTEXT))
    assert (write.status, write.headers["cache-control"]) == (403, "no-store")


def test_read_signed_by_a_cdn_is_served_from_the_cache(valkey):
    handler = make_handler(news_app(items=1, redis_url=valkey.url))
    event = signed(function_url(Sent(path="/news/", headers=SIGNATURE)))
    assert [handler(event, CONTEXT)["headers"]["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]


@every_kind
def test_claims_and_request_id_can_not_be_forged_by_a_header(encode):
    forged = ("app.claims", "App-Claims", "app.request_id", "HTTP-app.claims", "Remote-User")
    environ = environ_of(encode(Sent(headers=tuple((name, "forged") for name in forged))))
    assert CLAIMS not in environ
    assert environ[REQUEST_ID] == "8c1f"
    assert "REMOTE_USER" not in environ
