"""Fixtures of the imports: a table on MiniStack."""

import pytest

from support.environment import settings_for
from tools.local.tables import create_tables


@pytest.fixture
def settings(ministack_url):
    made = settings_for(ministack_url)
    create_tables(made)
    return made
