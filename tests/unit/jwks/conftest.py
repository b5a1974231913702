"""Fixtures of the issuer's keys: a clock, a key server, and a cache of its keys."""

import pytest

from shared.auth.jwks import Jwks
from support import token_issuer
from support.jwks_harness import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    with token_issuer.KeyServer() as server:
        yield server


@pytest.fixture
def keys(server, clock):
    return Jwks(server.url, now=clock)
