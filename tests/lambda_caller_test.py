"""The Lambda handler: who the app is told the caller is, and nobody can forge."""

import pytest
from flask import Flask, request
from lambda_encoders import ENCODERS, Sent, alb, function_url, http_api_1, http_api_2, rest_api
from lambda_toy import CONTEXT

from shared.constants import CLAIMS, REQUEST_ID
from shared.lambda_handler import make_handler

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


def test_address_behind_a_load_balancer_is_the_one_it_saw():
    event = alb(Sent())
    event["headers"]["x-forwarded-for"] = "6.6.6.6, 203.0.113.7"
    assert environ_of(event)["REMOTE_ADDR"] == "203.0.113.7"


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
        (http_api_2(Sent(), authorizer={"iam": IAM}), IAM),
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
        (function_url(Sent(), authorizer={"iam": IAM}), IAM),
        (function_url(Sent()), None),
        (alb(Sent(headers=(("X-Amzn-Oidc-Identity", "7"),))), None),
    ],
)
def test_claims_are_what_the_source_has_verified(event, claims):
    assert environ_of(event).get(CLAIMS) == claims


def test_signed_request_to_a_rest_api_has_the_callers_identity():
    event = rest_api(Sent())
    event["requestContext"]["identity"] |= IAM
    assert environ_of(event)[CLAIMS] == {"sourceIp": "203.0.113.7"} | IAM


@every_kind
def test_claims_and_request_id_can_not_be_forged_by_a_header(encode):
    forged = ("app.claims", "App-Claims", "app.request_id", "HTTP-app.claims", "Remote-User")
    environ = environ_of(encode(Sent(headers=tuple((name, "forged") for name in forged))))
    assert CLAIMS not in environ
    assert environ[REQUEST_ID] == "8c1f"
    assert "REMOTE_USER" not in environ
