"""Apps that verify tokens, requests with a token, and the challenges of rejected ones."""

import hmac
import json

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from news.controller import setup_route
from news.service import NewsService
from shared.app import create_app
from shared.config import Settings
from shared.lambda_adapter.handler import make_handler
from support import token_issuer
from support.event_builders import Request, parse_response
from support.fakes import FakeDao, clock, sent

SCOPE = 'scope="news:write"'
INVALID_TOKEN = f'Bearer error="invalid_token", {SCOPE}'
INSUFFICIENT_SCOPE = f'Bearer error="insufficient_scope", {SCOPE}'


def make_app(auth=None, dao=None, **changes):
    app = create_app(Settings(stage="dev", region="us-east-1", tables={"news": "news"}, auth=auth, **changes))
    setup_route(app, NewsService(dao or FakeDao(), now=clock()))
    return app


def create(client, *, token=None, authorization=None):
    value = authorization if token is None else f"Bearer {token}"
    return client.post("/news/", json=sent(), headers={} if value is None else {"Authorization": value})


def assert_refused(response, status, challenge):
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == challenge


# --- claims of an API Gateway authorizer


def invoke(app, event):
    return parse_response(make_handler(app)(event, None))


POST = Request(
    "POST", "/news/", headers=(("Content-Type", "application/json"),), body=json.dumps(sent()).encode()
)


def unsigned(**header):
    return jwt.encode(token_issuer.claims(), None, algorithm="none", headers={"kid": "one"} | header)


def signed_with_public_key():
    """Return a token with the classic algorithm confusion: HMAC with the public key as its secret."""
    pem = token_issuer.key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = base64url_encode(b'{"alg": "HS256", "kid": "one"}')
    signed = header + b"." + base64url_encode(json.dumps(token_issuer.claims()).encode())
    return (signed + b"." + base64url_encode(hmac.digest(pem, signed, "sha256"))).decode()


def with_header(header):
    return f"{base64url_encode(header).decode()}.e30.e30"


good = token_issuer.token()
INVALID_TOKENS = {
    "expired": token_issuer.token(exp=token_issuer.claims()["iat"] - 40),
    "not yet issued": token_issuer.token(iat=token_issuer.claims()["iat"] + 3600),
    "not yet valid": token_issuer.token(nbf=token_issuer.claims()["iat"] + 3600),
    "from another issuer": token_issuer.token(iss="https://evil.example.com/"),
    "for another audience": token_issuer.token(aud="other"),
    **{f"without {name}": token_issuer.token(**{name: None}) for name in ("exp", "iat", "iss", "aud", "sub")},
    "with a subject that is not a string": token_issuer.token(sub=5),
    "with an expiry that is not a number": token_issuer.token(exp="soon"),
    "of an unknown key": token_issuer.token("two"),
    "of an unknown key under a known name": token_issuer.token("two", headers={"kid": "one"}),
    "without a key id": token_issuer.token(headers={"kid": None}),
    "of another algorithm": token_issuer.token(algorithm="RS512"),
    "of PSS": token_issuer.token(algorithm="PS256"),
    "unsigned": unsigned(),
    "signed with the public key as a secret": signed_with_public_key(),
    "with a critical header": token_issuer.token(headers={"crit": ["exp"]}),
    "with another signature": good[:-8] + "AAAAAAAA",
    "with other claims": ".".join(
        [good.split(".")[0], token_issuer.token(sub="mallory").split(".")[1], good.split(".")[2]]
    ),
    "cut short": good.rpartition(".")[0],
    "with a part too many": good + ".x",
    "two of them": f"{good},{good}",
    "empty": "",
    "one word": "x",
    "not ASCII": "\xe4.\xe4.\xe4",
    "header nested deeply": with_header(b"[" * 5000),
    "header that is not an object": with_header(b"[]"),
    "header that is not JSON": with_header(b"\xff"),
    "key id that is not a string": with_header(b'{"alg": "RS256", "kid": {"a": 1}}'),
    "algorithm that is not a string": with_header(b'{"alg": ["RS256"], "kid": "one"}'),
    "with too long a number": with_header(b'{"alg": "RS256", "kid": "one", "x": ' + b"9" * 5000 + b"}"),
}
