"""An unavailable or failing database, and the health check."""

import logging

import pytest

from shared.errors import Unavailable
from support.controller_harness import assert_problem, make_client
from support.fakes import FakeDao
from tools.local.processes import free_port


class UnavailableDao(FakeDao):
    def find(self, *_):
        raise Unavailable("The database is unavailable; try again later.")

    page = ping = find


def test_an_unavailable_database_returns_503_with_retry_after():
    client = make_client(UnavailableDao())
    for target in ("/news/", "/news/00000000-0000-5000-8000-000000000001"):
        response = client.get(target)
        assert_problem(response, 503)
        assert response.headers["Retry-After"] == "2"


class BrokenDao(FakeDao):
    def find(self, news_id):
        raise RuntimeError("the secret of the dao")


def test_an_unexpected_error_returns_500_and_only_the_log_has_the_reason(caplog):
    response = make_client(BrokenDao()).get("/news/00000000-0000-5000-8000-000000000001")
    assert_problem(response, 500)
    assert "secret" not in response.text
    assert "the secret of the dao" in caplog.text
    assert response.json["request_id"] in caplog.text


def test_health_calls_no_service():
    assert make_client(UnavailableDao()).get("/health").json == {"status": "ok"}


def test_deep_health_pings_the_database(client):
    response = client.get("/health?deep=1")
    assert (response.status_code, response.json) == (200, {"status": "ok", "checks": {"dynamodb": "ok"}})
    response = make_client(UnavailableDao()).get("/health?deep=1")
    assert (response.status_code, response.json) == (
        503,
        {"status": "down", "checks": {"dynamodb": "unreachable"}},
    )


def test_deep_health_without_the_cache_is_degraded(dao):
    response = make_client(dao, redis_url=f"redis://127.0.0.1:{free_port()}/0").get("/health?deep=1")
    assert response.status_code == 200
    assert response.json == {"status": "degraded", "checks": {"redis": "unreachable", "dynamodb": "ok"}}


@pytest.mark.parametrize("query", ["deep=0", "deep=", "deep=1&deep=1", "x=1"])
def test_health_rejects_other_parameters(client, query):
    assert client.get(f"/health?{query}").status_code == 400


def test_the_log_level_is_set_from_the_settings(dao):
    before = logging.getLogger().level
    make_client(dao, log_level="ERROR")
    assert logging.getLogger().level == logging.ERROR
    logging.getLogger().setLevel(before)
