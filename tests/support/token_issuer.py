"""An issuer of tokens for the tests: keys, a key set in a file or behind a URL, and tokens good and bad."""

import json
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.config.auth import AuthSettings

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
    """Those of a good token; a change to None leaves one out."""
    now = int(time.time())
    made = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "eve",
        "iat": now,
        "exp": now + 3600,
        "scope": "news:write",
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def token(name="one", *, bits=2048, algorithm="RS256", headers=None, **changes):
    headers = {each: value for each, value in ({"kid": name} | (headers or {})).items() if value is not None}
    return jwt.encode(claims(**changes), key(name, bits), algorithm=algorithm, headers=headers)


def settings_of(file, content=None):
    """The settings that take this issuer's tokens, with its key set in that file."""
    file.write_bytes(jwks() if content is None else content)
    return AuthSettings(ISSUER, AUDIENCE, str(file))


class KeyServer(ThreadingHTTPServer):
    """Serves a key set at any path; `answer` is the body, or a status, or a function of the handler.

    `asked` counts the requests, and `headers` has the header fields of the last one.
    """

    daemon_threads = True
    block_on_close = False  # a handler may hang

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.asked, self.headers = jwks(), 0, None
        self.url = f"http://127.0.0.1:{self.server_port}/jwks.json"

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked += 1
        self.server.headers = self.headers
        answer = self.server.answer
        if callable(answer):
            answer(self)
            return
        body = answer if isinstance(answer, bytes) else b""
        self.send_response(200 if isinstance(answer, bytes) else answer)
        if answer == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
