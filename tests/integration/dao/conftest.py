"""Fixtures of the DAO: a table of moto behind a proxy that can fail."""

import pytest

from news.dao import NewsDao
from support.dynamodb_proxy import Proxy
from support.environment import settings_for
from tools.local.tables import create_tables


@pytest.fixture(scope="module")
def proxy(moto_url):
    with Proxy(moto_url) as server:
        yield server


@pytest.fixture(scope="module")
def proxied_dao(proxy):
    settings = settings_for(proxy.url)
    create_tables(settings)
    return NewsDao(settings)


@pytest.fixture
def faulty(proxy, proxied_dao):
    proxy.operations.clear()
    yield proxy
    proxy.fault = lambda *_: None
