"""Fixtures of the unit tests."""

import pytest

from support.event_builders import ENCODERS
from support.headers_harness import make_app


@pytest.fixture(scope="session", params=ENCODERS.values(), ids=ENCODERS)
def encode(request):
    """Return a function that builds the event of a request, for each source of HTTP events."""
    return request.param


@pytest.fixture
def client():
    return make_app().test_client()
