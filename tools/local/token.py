"""`make token`: access tokens for the current local run, and the key that signs them."""

import argparse
import json
import sys
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from shared.constants import LOCAL_ISSUER
from tools.local import run_env

AUDIENCE = "news"
KEY_ID = "local"
KEY_BITS = 2048
"""The minimum for RS256: https://datatracker.ietf.org/doc/html/rfc7518#section-3.3"""

LIFE_SECONDS = 15 * 60


def private_key_file() -> Path:
    """Return the file of the key that signs tokens."""
    return run_env.local_dir() / "token-key.pem"


def make_key() -> dict[str, str]:
    """Create a key for this run, and return the settings of a service that accepts its tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    run_env.write_private(private_key_file(), pem)
    jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}
    jwks = run_env.local_dir() / "jwks.json"
    run_env.write_private(jwks, json.dumps({"keys": [jwk]}).encode())
    return {
        "AUTH_ISSUER": LOCAL_ISSUER,
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTH_JWKS": str(jwks.resolve()),
        "AUTH_AUDIENCE_CLAIM": "aud",
        "AUTH_SCOPE_PREFIX": "",
    }


def make_token(scope: str, life_seconds: float = LIFE_SECONDS) -> str:
    """Return a token for the run in the local folder.

    Raises:
        FileNotFoundError: The run has no key.
    """
    now = time.time()
    claims = {
        "iss": LOCAL_ISSUER,
        "aud": AUDIENCE,
        "sub": "developer",
        "iat": int(now),
        "exp": int(now + life_seconds),
        "scope": scope,
    }
    return jwt.encode(claims, private_key_file().read_bytes(), algorithm="RS256", headers={"kid": KEY_ID})


def main() -> None:
    """Print a token for the current run."""
    parser = argparse.ArgumentParser(prog="make token", usage="make token [SCOPE=news:write]")
    parser.add_argument(
        "--scope", default="news:write", help="scopes, separated by spaces (default: %(default)s)"
    )
    arguments = parser.parse_args()
    addresses = run_env.read()
    if addresses.get("AUTH_ISSUER") != LOCAL_ISSUER:
        reason = "the run has another issuer" if addresses else "start `make run` first"
        sys.exit(f"token: no run in {run_env.local_dir()}/ accepts local tokens: {reason}")
    print(make_token(arguments.scope))


if __name__ == "__main__":
    main()
