"""A token issuer for tests: keys, a key set in a file or behind a URL, and valid and invalid tokens."""

import json
import time
from functools import cache
from http.server import BaseHTTPRequestHandler

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.config.auth import AuthSettings
from support.http_server import HttpServer

ISSUER = "https://login.example.com/"
AUDIENCE = "news"


def key(name="one", bits=2048):
    return _key(name, bits)


@cache
def _key(name, bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(name="one", bits=2048, **changes):
    public = RSAAlgorithm.to_jwk(key(name, bits).public_key(), as_dict=True)
    return public | {"kid": name, "use": "sig", "alg": "RS256"} | changes


def jwks(*keys):
    return json.dumps({"keys": keys or [jwk()]}).encode()


def claims(**changes):
    """Return the claims of a valid token with changes; None removes a claim."""
    now = int(time.time())
    defaults = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "eve",
        "iat": now,
        "exp": now + 3600,
        "scope": "news:write",
    }
    return {name: value for name, value in (defaults | changes).items() if value is not None}


def token(name="one", *, bits=2048, algorithm="RS256", headers=None, **changes):
    headers = {
        header: value for header, value in ({"kid": name} | (headers or {})).items() if value is not None
    }
    return jwt.encode(claims(**changes), key(name, bits), algorithm=algorithm, headers=headers)


def auth_settings(file, content=None):
    """Write the key set to a file, and return the settings that accept this issuer's tokens."""
    file.write_bytes(jwks() if content is None else content)
    return AuthSettings(ISSUER, AUDIENCE, str(file))


class KeyServer(HttpServer):
    """Serves a key set at any path.

    pytest-httpserver cannot replace it: 11 responses in the tests are slow, cut off or malformed, and its
    server, werkzeug's, sends none of these.

    Attributes:
        response: The body, a status code, or a function that gets the request handler.
        request_count: The number of requests.
        headers: The headers of the last request.
    """

    daemon_threads = True
    block_on_close = False  # a handler may hang

    def __init__(self):
        super().__init__(KeyHandler)
        self.response, self.request_count, self.headers = jwks(), 0, None
        self.url += "/jwks.json"


class KeyHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.request_count += 1
        self.server.headers = self.headers
        response = self.server.response
        if callable(response):
            response(self)
            return
        body = response if isinstance(response, bytes) else b""
        self.send_response(200 if isinstance(response, bytes) else response)
        if response == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
