"""Fixtures of the rules of news: the service with a fake DAO."""

import pytest

from news.service import NewsService
from support.fakes import FakeDao, clock


@pytest.fixture
def dao():
    return FakeDao()


@pytest.fixture
def news(dao):
    return NewsService(dao, now=clock())
