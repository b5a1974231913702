"""Keys are parsed one by one, and a key set without a usable key is an error."""

import base64
import json

import pytest

from shared.auth.jwks import parse_jwks
from shared.auth.tokens import Verifier
from support import token_issuer

# --- usable keys


def test_a_key_is_found_by_its_id():
    [key] = parse_jwks(token_issuer.jwks())["one"]
    assert key.key.public_numbers() == token_issuer.key().public_key().public_numbers()


def number(length, first=b"\xc1", last=b"\xc1"):
    return base64.urlsafe_b64encode(first + b"\xc1" * (length - 2) + last).decode().rstrip("=")


def without(*names, **changes):
    return {name: value for name, value in (token_issuer.jwk("b") | changes).items() if name not in names}


UNUSABLE_KEYS = {
    "null": None,
    "text": "key",
    "a list": [],
    "a number": 5,
    "empty": {},
    **{f"without {name}": without(name) for name in ("kty", "kid", "n", "e")},
    **{
        f"{name} {json.dumps(value)[:20]}": without(**{name: value})
        for name in ("kty", "kid", "n", "e", "use", "alg", "key_ops")
        for value in (None, True, 7, 1.5, ["RS256"], {"a": 1}, "", "\x00", "é", "%%%", "\ud800")
    },
    "exponent 0": without(e="AA"),
    "exponent 1": without(e="AQ"),
    "exponent 2": without(e="Ag"),
    "huge exponent": without(e=number(250)),
    "exponent above the modulus": without(e=number(300)),
    "512 bits": without(n=number(64)),
    "1024 bits": token_issuer.jwk("small", 1024),
    "16,400 bits": without(n=number(2050)),
    "1,600,000 bits": without(n=number(200_000)),
    "even modulus": without(n=number(256, last=b"\xc0")),
    "modulus with padding": without(n=token_issuer.jwk("b")["n"] + "="),
    "a private part": without(d="AQ"),
    "a private part of a wrong type": without(d=["AQ"], p=None),
    "several primes": without(d="AQ", oth=[{}]),
    "for encryption": without(use="enc", alg="RSA-OAEP"),
    "for RS512": without(alg="RS512"),
    "for PS256": without(alg="PS256"),
    "key_ops encrypt": without("use", "alg", key_ops=["encrypt"]),
    "key_ops of numbers": without(key_ops=[1, None]),
    "certificates": without(x5c=["MIIC"], x5t="a", x5u="http://127.0.0.1:1/"),
    "certificates of wrong types": without(x5c=7, x5t=[], x5u={}),
    "a huge number": without(x=10**4000),
    "EC": {"kty": "EC", "kid": "b", "crv": "P-256", "x": "AA", "y": "AA"},
    "EC, crv a list": {"kty": "EC", "kid": "b", "crv": ["P-256"], "x": 1, "y": 2, "e": 65537},
    "OKP": {"kty": "OKP", "kid": "b", "crv": "Ed25519", "x": "AA", "n": None},
    "X25519": {"kty": "OKP", "kid": "b", "crv": "X25519", "x": "AA"},
    "ML-DSA": {"kty": "AKP", "kid": "b", "alg": "ML-DSA-65", "pub": "AAAA"},
    "a secret": {"kty": "oct", "kid": "b", "k": "c2VjcmV0"},
    "a secret of a wrong type": {"kty": "oct", "kid": "b", "k": 5},
    "the same id, for RS512": token_issuer.jwk("other", kid="one", alg="RS512"),
    "the same id, another key": token_issuer.jwk("other", kid="one"),
    "the same id, a short key": token_issuer.jwk("small", 1024, kid="one"),
    "the same id, no key": without("n", kid="one"),
    "the same id, an encryption key": token_issuer.jwk("other", kid="one", use="enc"),
}


@pytest.mark.parametrize("unusable", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS)
def test_an_unusable_key_does_not_affect_the_others(tmp_path, verifier, unusable):
    usable = token_issuer.jwk()
    for key_list in ([usable, unusable], [unusable, usable], [unusable, usable, unusable]):
        verify = verifier(json.dumps({"keys": key_list}).encode())
        assert verify.claims(token_issuer.token(), "scope")["sub"] == "eve"


@pytest.fixture
def verifier(tmp_path):
    return lambda content: Verifier(token_issuer.auth_settings(tmp_path / "jwks.json", content))


@pytest.mark.parametrize(
    "raw", [b'{"kid": "a", "kid": 7}', b'{"x": 1e999}', b'{"x": -%s}' % (b"9" * 5000), b'{"x": NaN}']
)
def test_a_key_in_unusual_json_does_not_affect_the_others(raw):
    good = json.dumps(token_issuer.jwk()).encode()
    assert parse_jwks(b'{"keys": [%s, %s]}' % (raw, good)).keys() == {"one"}


def test_two_keys_with_one_id_are_both_used(verifier):
    verify = verifier(token_issuer.jwks(token_issuer.jwk("one"), token_issuer.jwk("other", kid="one")))
    for name in ("one", "other"):
        assert verify.claims(token_issuer.token(name, headers={"kid": "one"}), "scope")


def test_only_rsa_signature_keys_with_an_id_are_used():
    unused = [
        token_issuer.jwk(kid="encryption", use="enc"),
        token_issuer.jwk(kid="other", alg="RS512"),
        token_issuer.jwk(kid="wrap", key_ops=["wrapKey"]),
        token_issuer.jwk(kid=""),
        {name: value for name, value in token_issuer.jwk().items() if name != "kid"},
    ]
    used = [
        token_issuer.jwk(kid="plain", use=None, alg=None),
        token_issuer.jwk(kid="ops", key_ops=["verify"]),
        token_issuer.jwk(kid="x5c", x5c=["MIIC"]),
    ]
    assert parse_jwks(token_issuer.jwks(*unused, *used)).keys() == {"plain", "ops", "x5c"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_ignored(encoding):
    assert parse_jwks(token_issuer.jwks().decode().encode(encoding)).keys() == {"one"}
