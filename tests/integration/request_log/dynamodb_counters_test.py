"""Counters of a request: DynamoDB calls, throttling and consumed capacity."""

import pytest

from news.dao import NewsDao
from shared.observability.context import CURRENT_CONTEXT, RequestContext, request_context
from support.cache_harness import make_app
from support.dynamodb_proxy import Proxy, throttled
from support.environment import settings_for
from support.fakes import sent, stored
from support.log_lines import metrics_in, parse_log, parse_request_log
from tools.local.tables import create_tables

# --- DynamoDB


@pytest.fixture
def proxy(ministack_url):
    with Proxy(ministack_url) as proxy:
        yield proxy


@pytest.fixture
def table(proxy):
    settings = settings_for(proxy.url)
    create_tables(settings)
    return NewsDao(settings)


def test_dynamodb_calls_and_consumed_capacity_are_counted(table, capsys):
    client = make_app(table, None, log_json=True).test_client()
    client.post("/news/", json=sent(1))
    client.get("/news/")
    client.get("/news/?limit=0")
    lines = parse_request_log(capsys.readouterr().err)
    assert [line["dynamodb_calls"] for line in lines] == [1, 1, 0]
    created, read, rejected = [line["dynamodb_capacity_units"] for line in lines]
    assert created >= 1
    assert 0 < read <= 1
    assert rejected == 0


def test_each_throttled_dynamodb_call_is_counted(table, proxy, capsys):
    client = make_app(table, None, log_json=True).test_client()
    proxy.fault = lambda *_: throttled() if len(proxy.operations) % 2 else None
    proxy.operations.clear()
    assert client.get("/news/").status_code == 200
    proxy.fault = lambda *_: throttled("ThrottlingException")
    assert client.get("/news/").status_code == 503
    first, _, second = parse_log(capsys.readouterr().err)
    assert (first["dynamodb_calls"], metrics_in(first)["dynamodb_throttled_requests"]) == (2, (1, {}))
    assert (second["dynamodb_calls"], metrics_in(second)["dynamodb_throttled_requests"]) == (2, (2, {}))
    assert second["dynamodb_capacity_units"] == 0


def test_the_consumed_capacity_of_a_batch_is_the_sum_of_its_items(table):
    token = CURRENT_CONTEXT.set(ctx := RequestContext())
    table.add_many([stored(n) for n in range(1, 6)])
    CURRENT_CONTEXT.reset(token)
    assert ctx.dynamodb_calls == 1
    assert ctx.dynamodb_capacity_units >= 5


def test_counters_outside_of_a_request_are_discarded():
    request_context().increment("cache_unavailable")
    assert request_context().counters == ()
