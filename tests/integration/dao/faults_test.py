"""The DAO while DynamoDB throttles, fails or is unreachable. A proxy in front of it injects the faults."""

import json
import socket

import pytest

from news.dao import NewsDao
from news.model import NewsFilter
from shared.dynamodb.batches import BATCH_ATTEMPTS, BATCH_BACKOFF_SECONDS
from shared.errors import Unavailable
from support.dynamodb_proxy import DROP_RESPONSE, Proxy
from support.environment import settings_for
from support.fakes import stored
from tools.local.processes import free_port
from tools.local.tables import create_tables


@pytest.fixture
def faulty(moto_url):
    with Proxy(moto_url) as server:
        yield server


@pytest.fixture
def dao(faulty):
    settings = settings_for(faulty.url)
    create_tables(settings)
    faulty.operations.clear()
    return NewsDao(settings)


def error(code):
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "by design"}
    return 500 if code == "InternalServerError" else 400, json.dumps(body).encode()


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "InternalServerError"],
)
def test_an_overloaded_database_is_unavailable_after_one_retry(faulty, dao, code):
    faulty.fault = lambda *_: error(code)
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)
    assert len(faulty.operations) == 2


def test_every_call_to_an_overloaded_database_is_unavailable(faulty, dao):
    faulty.fault = lambda *_: error("ThrottlingException")
    calls = (
        lambda: dao.page(NewsFilter(), None, 5),
        lambda: dao.add(stored(1)),
        lambda: dao.replace(stored(1, version=2)),
        lambda: dao.delete(stored(1).id, stored(1)),
        lambda: dao.find_many([stored(1).id]),
        lambda: dao.add_many([stored(1)]),
        dao.ping,
    )
    for call in calls:
        with pytest.raises(Unavailable):
            call()


def test_a_page_is_one_query_even_at_the_end_of_the_list(faulty, dao):
    dao.add_many([stored(n) for n in range(6)])
    for limit in (5, 6, 7):
        faulty.operations.clear()
        assert len(dao.page(NewsFilter(), None, limit).items) == min(limit, 6)
        assert faulty.operations == ["Query"]


def test_access_denied_is_not_unavailable(faulty, dao):
    faulty.fault = lambda *_: error("AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied") as refused:
        dao.find(stored(1).id)
    assert not isinstance(refused.value, Unavailable)


def test_an_unreachable_database_is_unavailable():
    dao = NewsDao(settings_for(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)


def test_a_database_that_closes_the_connection_is_unavailable(faulty, dao):
    faulty.fault = lambda *_: DROP_RESPONSE
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)


def test_a_database_that_is_silent_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dao = NewsDao(settings_for(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(Unavailable):
            dao.find(stored(1).id)


def test_unprocessed_items_of_a_batch_are_resent(faulty, dao):
    """DynamoDB processes three items at a time and returns the rest as unprocessed."""

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
    assert faulty.operations.count("BatchWriteItem") == 4
    faulty.fault = lambda *_: None
    assert len(dao.find_many(by_id)) == 10


def test_unprocessed_keys_of_a_batch_are_resent(faulty, dao):
    """DynamoDB reads two items at a time and returns the other keys as unprocessed."""
    items = [stored(n) for n in range(9)]
    dao.add_many(items)

    def fault(operation, request):
        [(table, wanted)] = request["RequestItems"].items()
        taken, left = wanted["Keys"][:2], wanted["Keys"][2:]
        found = [behind.get_item(TableName=table, Key=key).get("Item") for key in taken]
        unprocessed = {table: {"Keys": left, "ConsistentRead": True}} if left else {}
        body = {"Responses": {table: [item for item in found if item]}, "UnprocessedKeys": unprocessed}
        return 200, json.dumps(body).encode()

    settings = settings_for(faulty.target, tables={"news": dao._table_name})
    behind = NewsDao(settings)._table._get_connection().connection.client
    faulty.fault = fault
    found = dao.find_many([item.id for item in items] + [stored(99).id])
    assert sorted(item.id for item in found) == sorted(item.id for item in items)
    assert faulty.operations.count("BatchGetItem") == 5


def unprocessed(operation, request):
    """Return the response of a table without capacity: the whole batch is unprocessed."""
    if operation == "BatchWriteItem":
        return 200, json.dumps({"UnprocessedItems": request["RequestItems"]}).encode()
    if operation == "BatchGetItem":
        return 200, json.dumps({"Responses": {}, "UnprocessedKeys": request["RequestItems"]}).encode()
    return None


@pytest.mark.parametrize("operation", ["BatchWriteItem", "BatchGetItem"])
def test_a_batch_that_stays_unprocessed_is_unavailable_after_exponential_backoff(faulty, dao, operation):
    faulty.fault = unprocessed
    pauses = []
    patient = NewsDao(settings_for(faulty.url, tables={"news": dao._table_name}), sleep=pauses.append)
    call = patient.add_many if operation == "BatchWriteItem" else patient.find_many
    items = [stored(1), stored(2)]
    with pytest.raises(Unavailable, match="2 of 2 items"):
        call(items if operation == "BatchWriteItem" else [item.id for item in items])
    assert faulty.operations.count(operation) == BATCH_ATTEMPTS
    assert len(pauses) == BATCH_ATTEMPTS - 1
    assert all(0 <= pause <= BATCH_BACKOFF_SECONDS * 2**n for n, pause in enumerate(pauses))
    assert max(pauses) > BATCH_BACKOFF_SECONDS


def test_an_empty_batch_is_no_call(faulty, dao):
    dao.add_many([])
    assert dao.find_many([]) == []
    assert faulty.operations == []
