"""The DAO with every kind of response from DynamoDB or a proxy in front of it."""

import json
from zlib import crc32

import pytest

from news.dao import NewsDao
from news.model import NewsFilter
from shared.errors import Unavailable
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support.dynamodb_proxy import Proxy, StubResponse
from support.environment import settings_for
from support.fakes import stored
from tools.local.tables import create_tables

JSON = {"Content-Type": "application/x-amz-json-1.0"}
HTML = b"<!DOCTYPE html>\n<html><body>Service Unavailable</body></html>"


@pytest.fixture(scope="module")
def proxy(moto_url):
    with Proxy(moto_url) as server:
        yield server


@pytest.fixture(scope="module")
def dao(proxy):
    settings = settings_for(proxy.url)
    create_tables(settings)
    return NewsDao(settings)


@pytest.fixture
def faulty(proxy, dao):
    proxy.operations.clear()
    yield proxy
    proxy.fault = lambda *_: None


def calls(dao):
    return {
        "find": lambda: dao.find(stored(1).id),
        "find_many": lambda: dao.find_many([stored(1).id]),
        "page": lambda: dao.page(NewsFilter(), None, 5),
        "add": lambda: dao.add(stored(1)),
        "add_many": lambda: dao.add_many([stored(1)]),
        "replace": lambda: dao.replace(stored(1, version=2)),
        "delete": lambda: dao.delete(stored(1).id, stored(1)),
    }


def error(status, code, message="by design"):
    return StubResponse(status, json.dumps({"__type": code, "message": message}).encode(), JSON)


def error_of(call):
    try:
        call()
    except Exception as error:  # noqa: BLE001  # the test asserts its type
        return error
    return None


TEMPORARY = {
    "500 of DynamoDB": error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
    "500 of its framework": error(500, "com.amazon.coral.service#InternalFailure"),
    "500 with an unknown code": error(500, "SomethingNewException"),
    "500 with a code of the caller's": error(500, "ValidationException"),
    "500 empty": StubResponse(500, b""),
    "502 html": StubResponse(502, HTML, {"Content-Type": "text/html"}),
    "503 html": StubResponse(503, b"<html>no server is available</html>", {"Content-Type": "text/html"}),
    "503 empty object": StubResponse(503, b"{}", JSON),
    "503 list": StubResponse(503, b"[]", JSON),
    "503 null": StubResponse(503, b"null", JSON),
    "503 text": StubResponse(503, b'"down"', JSON),
    "503 not UTF-8": StubResponse(503, b"\xff\xfe", JSON),
    "503 cut short": StubResponse(503, b'{"__type"', JSON | {"Content-Length": "4000"}),
    "503 code is a list": StubResponse(503, b'{"__type": []}', JSON),
    "503 code is an object": StubResponse(503, b'{"__type": {}}', JSON),
    "503 code is a number": StubResponse(503, b'{"__type": 7}', JSON),
    "503 code is null": StubResponse(503, b'{"__type": null}', JSON),
    "503 nested": StubResponse(503, b"[" * 100_000, JSON),
    "504 text": StubResponse(504, b"upstream request timeout", {"Content-Type": "text/plain"}),
    "529": StubResponse(529, b"overloaded"),
    "599": StubResponse(599, b""),
    "429 html": StubResponse(429, b"<html>slow down</html>", {"Content-Type": "text/html"}),
    "429 empty": StubResponse(429, b""),
    "429 code": error(429, "TooManyRequestsException"),
    "400 without a code": StubResponse(400, b'{"message": "no"}', JSON),
    "403 html": StubResponse(403, HTML, {"Content-Type": "text/html"}),
    "407 html": StubResponse(407, HTML, {"Content-Type": "text/html"}),
    "301": StubResponse(301, b"", {"Location": "http://127.0.0.1:1/"}),
    "400 signature expired": error(
        400, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2"
    ),
} | {
    f"400 {code}": error(400, code)
    for code in (
        "ExpiredTokenException",
        "InternalFailure",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgress",
        "TransactionInProgressException",
    )
}

DAMAGED = {
    "html": StubResponse(200, HTML, {"Content-Type": "text/html"}),
    "empty": StubResponse(200, b"", JSON),
    "blank": StubResponse(200, b"\r\n", JSON),
    "truncated": StubResponse(200, b'{"Item": {"id": {"S": "a', JSON),
    "cut short": StubResponse(200, b'{"Item": {"id"', JSON | {"Content-Length": "4000"}),
    "null": StubResponse(200, b"null", JSON),
    "list": StubResponse(200, b"[]", JSON),
    "number": StubResponse(200, b"0", JSON),
    "text": StubResponse(200, b'"ok"', JSON),
    "two objects": StubResponse(200, b"{}{}", JSON),
    "not UTF-8": StubResponse(200, b"\xff{}", JSON),
    "nested": StubResponse(200, b"[" * 100_000, JSON),
    "another service's": StubResponse(200, b'{"message": "Please log in"}', JSON),
    "wrong checksum": StubResponse(200, b"{}", JSON | {"x-amz-crc32": "12345"}),
    "checksum that is no number": StubResponse(200, b"{}", JSON | {"x-amz-crc32": "abc"}),
    "item is a list": StubResponse(
        200, b'{"Item": ["a"], "Items": 1, "Responses": [1], "Attributes": [1]}', JSON
    ),
    "item is a text": StubResponse(
        200, b'{"Item": "a", "Items": "a", "Responses": "a", "Attributes": "a"}', JSON
    ),
    "attribute is a text": StubResponse(
        200,
        b'{"Item": {"id": "a"}, "Items": [{"id": "a"}], "Responses": {"t": [1]}, "Attributes": {"id": "a"}}',
        JSON,
    ),
    "201": StubResponse(201, b'{"created": true}', JSON),
    "204": StubResponse(204, b""),
    "206": StubResponse(206, b'{"It', JSON),
}


@pytest.mark.parametrize("reply", TEMPORARY.values(), ids=TEMPORARY)
def test_a_temporary_error_in_any_format_is_unavailable(faulty, dao, reply):
    faulty.fault = lambda *_: reply
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)


@pytest.mark.parametrize("case", ["503 html", "503 code is a list", "400 TransactionConflict"])
def test_a_temporary_error_is_unavailable_for_every_call(faulty, dao, case):
    faulty.fault = lambda *_: TEMPORARY[case]
    errors = {name: error_of(call) for name, call in calls(dao).items()}
    assert {name: type(error) for name, error in errors.items()} == dict.fromkeys(errors, Unavailable)


@pytest.mark.parametrize("reply", DAMAGED.values(), ids=DAMAGED)
def test_an_invalid_response_is_unavailable_for_every_call(faulty, dao, reply):
    faulty.fault = lambda *_: reply
    errors = {name: error_of(call) for name, call in calls(dao).items()}
    assert {name: type(error) for name, error in errors.items()} == dict.fromkeys(errors, Unavailable)


@pytest.mark.parametrize(
    "code",
    [
        "ValidationException",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "ItemCollectionSizeLimitExceededException",
        "SerializationException",
    ],
)
def test_an_error_caused_by_the_service_is_not_unavailable(faulty, dao, code):
    faulty.fault = lambda *_: error(400, f"com.amazon.coral.service#{code}")
    for call in calls(dao).values():
        assert code in str(error_of(call))
        assert not isinstance(error_of(call), Unavailable)


@pytest.mark.parametrize("headers", [{}, {"x-amz-crc32": str(crc32(b"{}"))}])
def test_an_empty_object_is_a_valid_response_for_a_missing_item(faulty, dao, headers):
    faulty.fault = lambda *_: StubResponse(200, b"{}", JSON | headers)
    assert dao.find(stored(1).id) is None


@pytest.mark.parametrize(
    "body", [b"{}", b'{"Count": 0, "ScannedCount": 0}', b'{"Items": []}', b'{"Items": null}']
)
def test_a_query_or_batch_response_without_required_members_is_unavailable(faulty, dao, body):
    """An import that read it as "no such items" would overwrite the items."""
    faulty.fault = lambda *_: StubResponse(200, body, JSON)
    for call in (lambda: dao.page(NewsFilter(), None, 5), lambda: dao.find_many([stored(1).id])):
        with pytest.raises(Unavailable):
            call()


@pytest.mark.parametrize("item", ["{}", '{"sort": {"N": "1"}}', '{"sort": {"S": 1}}', '{"id": {"S": "a"}}'])
def test_an_index_item_without_a_sort_key_is_unavailable(faulty, dao, item):
    body = f'{{"Items": [{item}, {item}], "Count": 2, "ScannedCount": 2}}'
    faulty.fault = lambda *_: StubResponse(200, body.encode(), JSON)
    with pytest.raises(Unavailable):
        dao.page(NewsFilter(), None, 5)


def test_an_invalid_page_within_a_list_is_unavailable(faulty, dao):
    dao.add_many([stored(n) for n in range(12)])
    faulty.operations.clear()
    faulty.fault = lambda *_: StubResponse(200, b"", JSON) if len(faulty.operations) > 2 else None
    lists = NewsDao(settings_for(faulty.url, tables={"news": dao._table_name}, feed_shards=4))
    with pytest.raises(Unavailable):
        lists.page(NewsFilter(), None, 5)


def test_the_log_has_the_code_and_a_truncated_response(faulty, dao, caplog):
    faulty.fault = lambda *_: StubResponse(403, b"<html>" + b"x" * 50_000, {"Content-Type": "text/html"})
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)
    assert "403" in caplog.text
    assert len(caplog.text) < 1_000


@pytest.mark.parametrize(
    ("reply", "throttles"),
    [(error(400, "Throttling"), 2), (StubResponse(429, HTML), 2), (error(500, "InternalServerError"), 0)],
)
def test_every_attempt_and_every_throttled_request_is_counted(faulty, dao, reply, throttles):
    faulty.fault = lambda *_: reply
    context = RequestContext()
    token = CURRENT_CONTEXT.set(context)
    try:
        with pytest.raises(Unavailable):
            dao.find(stored(1).id)
    finally:
        CURRENT_CONTEXT.reset(token)
    assert context.dynamodb_calls == 2
    assert dict(context.counters).get("dynamodb_throttled_requests", 0) == throttles


def page_of(numbers, **more):
    items = [item_of(number) for number in numbers]
    body = {"Items": items, "Count": len(items), "ScannedCount": len(items)} | more
    return StubResponse(200, json.dumps(body).encode(), JSON)


def item_of(number):
    time = f"2026-01-01T00:00:{number:02d}.000000Z"
    item_id = stored(number).id
    texts = {
        "id": item_id,
        "title": "T",
        "url": "https://e/",
        "source": "s",
        "category": "c",
        "feed": "all#0",
    }
    texts |= {"sort": f"{time}#{item_id}", "published_at": time, "created_at": time, "updated_at": time}
    return {name: {"S": text} for name, text in texts.items()} | {"version": {"N": "1"}}


KEY = {"feed": {"S": "all#0"}, "sort": {"S": "x"}, "id": {"S": "y"}}


@pytest.mark.parametrize("last", [{}, None])
def test_an_empty_last_evaluated_key_ends_the_list(faulty, dao, last):
    faulty.fault = lambda *_: page_of([3, 2], LastEvaluatedKey=last)
    items, after = dao.page(NewsFilter(), None, 3)
    assert ([item.id for item in items], after) == ([stored(3).id, stored(2).id], None)
    assert faulty.operations == ["Query"]


def test_empty_pages_before_items_are_skipped(faulty, dao):
    pages = iter([page_of([], LastEvaluatedKey=KEY), page_of([], LastEvaluatedKey=KEY), page_of([3, 2])])
    faulty.fault = lambda *_: next(pages)
    assert [item.id for item in dao.page(NewsFilter(), None, 3).items] == [stored(3).id, stored(2).id]


def test_endless_empty_pages_are_unavailable(faulty, dao):
    faulty.fault = lambda *_: page_of([], LastEvaluatedKey=KEY)
    with pytest.raises(Unavailable):
        dao.page(NewsFilter(), None, 3)
    assert len(faulty.operations) < 20
