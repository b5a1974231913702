"""`make prune` chooses versions that neither an alias, a rollback nor the stack needs."""

import pytest

from tools.versions.functions import Function, lambda_client
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


def test_versions_are_those_in_the_region_of_the_deployments(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert lambda_client().meta.region_name == "eu-north-1"
