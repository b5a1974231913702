"""Claims of API Gateway's authorizer grant scopes, and clients cannot forge them."""

import json

import pytest

from shared.constants import CLAIMS
from support import token_issuer
from support.auth_harness import INSUFFICIENT_SCOPE, INVALID_TOKEN, POST, create, invoke, make_app
from support.event_builders import function_url, http_api_1, http_api_2, rest_api


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "news:write"},
        {"scope": "news:read news:write"},
        {"scope": " news:read  news:write "},
        {"scope": "[news:read news:write]"},
        {"scp": "news:write"},
        {"scp": "[news:read news:write]"},
        {"scp": ["news:read", "news:write"]},
    ],
)
@pytest.mark.parametrize("encode", [http_api_2, http_api_1, rest_api])
def test_authorizer_claims_with_the_scope_are_accepted(encode, claims):
    authorizer = {"claims": claims | {"sub": "eve"}}
    event = encode(POST, authorizer={"jwt": authorizer} if encode is http_api_2 else authorizer)
    assert invoke(make_app(), event).status == 201


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"scope": ""},
        {"scope": "news:writer"},
        {"scope": "xnews:write"},
        {"scope": "NEWS:WRITE"},
        {"scope": "news:read", "scp": "news:write"},
        {"scope": "[news:write"},
        {"scope": "news:write]"},
        {"scope": "[[news:write]]"},
        *[
            {"scope": f"news:read{separator}news:write"}
            for separator in "\t\n\r\v\f\x1c\x85\xa0\u2003\u3000,;+"
        ],
        {"scope": "\tnews:write"},
        {"scope": "[news:read\tnews:write]"},
        {"scp": ["news:read news:write"]},
        {"scp": [["news:write"]]},
        {"scope": {"news:write": True}},
        {"permissions": "news:write"},
    ],
)
def test_authorizer_claims_without_the_scope_get_403_even_with_a_valid_token(auth, claims):
    request = POST.__class__(
        "POST",
        "/news/",
        headers=(*POST.headers, ("Authorization", f"Bearer {token_issuer.token()}")),
        body=POST.body,
    )
    event = http_api_2(request, authorizer={"jwt": {"claims": claims | {"sub": "eve"}, "scopes": None}})
    response = invoke(make_app(auth), event)
    assert (response.status, response.headers["www-authenticate"]) == (403, INSUFFICIENT_SCOPE)


def test_empty_authorizer_claims_get_403_even_with_a_valid_token(auth):
    client = make_app(auth).test_client()
    client.environ_base[CLAIMS] = {}
    assert create(client, token=token_issuer.token()).status_code == 403


def test_scopes_of_the_authorizer_are_accepted_if_the_claims_have_none():
    event = http_api_2(POST, authorizer={"jwt": {"claims": {"sub": "eve"}, "scopes": ["news:write"]}})
    assert invoke(make_app(), event).status == 201


def test_an_iam_signature_grants_no_scope():
    arn = "arn:aws:iam::123456789012:user/eve"
    assert invoke(make_app(), function_url(POST, authorizer={"iam": {"userArn": arn}})).status == 403


def test_headers_cannot_forge_claims(encode):
    claims = json.dumps({"scope": "news:write"})
    names = (
        "app.claims",
        "App-Claims",
        "X-Amzn-Oidc-Data",
        "X-Apigateway-Authorizer",
        "Serverless-Authorizer",
    )
    request = POST.__class__(
        "POST", "/news/", headers=(*POST.headers, *((name, claims) for name in names)), body=POST.body
    )
    assert invoke(make_app(), encode(request)).status == 403


def test_a_token_is_verified_in_the_app_without_an_authorizer(auth, encode):
    def send(token):
        headers = (*POST.headers, ("Authorization", f"Bearer {token}"))
        return invoke(
            make_app(auth), encode(POST.__class__("POST", "/news/", headers=headers, body=POST.body))
        )

    assert send(token_issuer.token()).status == 201
    refused = send(token_issuer.token(iss="https://evil.example.com/"))
    assert (refused.status, refused.headers["www-authenticate"]) == (401, INVALID_TOKEN)
