"""Fixtures of the unit tests."""

import pytest

from support.event_builders import ENCODERS


@pytest.fixture(scope="session", params=ENCODERS.values(), ids=ENCODERS)
def encode(request):
    """Return a function that builds the event of a request, for each source of HTTP events."""
    return request.param
