"""The dao when DynamoDB throttles, fails, or can't be reached: a real server in between makes it so."""

import json
import socket

import pytest
from conftest import settings_for
from dynamodb_proxy import LOST, Proxy
from fakes import stored

from news.dao import BATCH_PAUSE_SECONDS, NewsDao
from news.model import NewsFilter
from shared.errors import Unavailable
from tools.processes import free_port
from tools.tables import create_tables


@pytest.fixture
def faulty(moto_url):
    with Proxy(moto_url) as server:
        yield server


@pytest.fixture
def dao(faulty):
    settings = settings_for(faulty.url)
    create_tables(settings)
    faulty.seen.clear()
    return NewsDao(settings)


def error(kind):
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "by design"}
    return 500 if kind == "InternalServerError" else 400, json.dumps(body).encode()


@pytest.mark.parametrize(
    "kind",
    ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "InternalServerError"],
)
def test_an_overloaded_database_is_unavailable_after_one_retry(faulty, dao, kind):
    faulty.fault = lambda *_: error(kind)
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)
    assert len(faulty.seen) == 2


def test_every_call_to_an_overloaded_database_is_unavailable(faulty, dao):
    faulty.fault = lambda *_: error("ThrottlingException")
    calls = (
        lambda: dao.page(NewsFilter(), None, 5),
        lambda: dao.add(stored(1)),
        lambda: dao.replace(stored(1, version=2)),
        lambda: dao.remove(stored(1).id, stored(1)),
        lambda: dao.find_many([stored(1).id]),
        lambda: dao.add_many([stored(1)]),
        dao.check,
    )
    for call in calls:
        with pytest.raises(Unavailable):
            call()


def test_a_page_is_one_query_with_its_end_in_sight(faulty, dao):
    dao.add_many([stored(n) for n in range(6)])
    for limit in (5, 6, 7):
        faulty.seen.clear()
        assert len(dao.page(NewsFilter(), None, limit).items) == min(limit, 6)
        assert faulty.seen == ["Query"]


def test_a_refusal_of_access_is_not_hidden(faulty, dao):
    faulty.fault = lambda *_: error("AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied") as refused:
        dao.find(stored(1).id)
    assert not isinstance(refused.value, Unavailable)


def test_a_database_out_of_reach_is_unavailable():
    dao = NewsDao(settings_for(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)


def test_a_database_that_hangs_up_is_unavailable(faulty, dao):
    faulty.fault = lambda *_: LOST
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)


def test_a_database_that_is_silent_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dao = NewsDao(settings_for(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(Unavailable):
            dao.find(stored(1).id)


def test_what_a_batch_left_unprocessed_is_sent_again(faulty, dao):
    """DynamoDB takes three of the items at a time and hands the others back."""

    def fault(operation, request):
        if operation != "BatchWriteItem":
            return None
        [(table, writes)] = request["RequestItems"].items()
        for write in writes[:3]:
            dao_behind.add_many([by_id[write["PutRequest"]["Item"]["id"]["S"]]])
        left = {table: writes[3:]} if writes[3:] else {}
        return 200, json.dumps({"UnprocessedItems": left}).encode()

    items = [stored(n) for n in range(10)]
    by_id = {item.id: item for item in items}
    dao_behind = NewsDao(settings_for(faulty.target, tables={"news": dao._table_name}))
    faulty.fault = fault
    dao.add_many(items)
    assert faulty.seen.count("BatchWriteItem") == 4
    faulty.fault = lambda *_: None
    assert len(dao.find_many(by_id)) == 10


def test_a_batch_that_stays_unprocessed_is_unavailable_after_longer_and_longer_pauses(faulty, dao):
    def fault(operation, request):
        if operation == "BatchWriteItem":
            return 200, json.dumps({"UnprocessedItems": request["RequestItems"]}).encode()
        return None

    faulty.fault = fault
    pauses = []
    patient = NewsDao(settings_for(faulty.url, tables={"news": dao._table_name}), sleep=pauses.append)
    with pytest.raises(Unavailable, match="2 of 2 items"):
        patient.add_many([stored(1), stored(2)])
    assert faulty.seen.count("BatchWriteItem") == 8
    assert len(pauses) == 7
    assert all(0 <= pause <= BATCH_PAUSE_SECONDS * 2**n for n, pause in enumerate(pauses))
    assert max(pauses) > BATCH_PAUSE_SECONDS
