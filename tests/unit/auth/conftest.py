"""Fixtures of the authentication tests: settings that verify tokens, and a client of such an app."""

import pytest

from support import token_issuer
from support.auth_harness import make_app


@pytest.fixture
def auth(tmp_path):
    return token_issuer.auth_settings(tmp_path / "jwks.json")


@pytest.fixture
def client(auth):
    return make_app(auth).test_client()
