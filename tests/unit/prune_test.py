"""`make prune` chooses versions that neither an alias, a rollback nor the stack needs."""

import pytest

from tools.versions.functions import Function
from tools.versions.prune import unneeded_versions


@pytest.mark.parametrize(
    ("live", "keep", "deleted"),
    [
        (5, 3, [1]),
        (5, 1, [1, 2, 3]),
        (5, 0, [1, 2, 3, 4]),
        (5, 5, []),
        (5, 9, []),
        (4, 1, [1, 2]),  # after a rollback, the stack names the newer version
        (2, 3, []),
        (2, 0, [1]),
    ],
)
def test_the_newest_versions_and_those_after_the_live_one_stay(live, keep, deleted):
    function = Function("news", "news-prod-news", (1, 2, 3, 4, 5), live, frozenset({live}))
    assert unneeded_versions(function, keep) == deleted
