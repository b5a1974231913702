"""Fixtures of the controller tests: a client of an app with a fake DAO, and an item."""

import pytest

from support.controller_harness import make_client
from support.fakes import FakeDao, sent


@pytest.fixture
def dao():
    return FakeDao()


@pytest.fixture
def client(dao):
    return make_client(dao)


@pytest.fixture
def item(client):
    return client.post("/news/", json=sent()).json
