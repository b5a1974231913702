"""The dao, whatever the reply of DynamoDB, or of a proxy in front of it: 503, an error, or what was read."""

import json
from zlib import crc32

import pytest

from news.dao import NewsDao
from news.model import NewsFilter
from shared.errors import Unavailable
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support.dynamodb_proxy import Proxy, Reply
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
    proxy.seen.clear()
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
        "delete": lambda: dao.delete(stored(1).id, 1),
    }


def error(status, code, message="by design"):
    return Reply(status, json.dumps({"__type": code, "message": message}).encode(), JSON)


def error_of(call):
    try:
        call()
    except Exception as error:  # noqa: BLE001  # whatever it is, the test names what it should be
        return error
    return None


TEMPORARY = {
    "500 of DynamoDB": error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
    "500 of its framework": error(500, "com.amazon.coral.service#InternalFailure"),
    "500 with an unknown code": error(500, "SomethingNewException"),
    "500 with a code of the caller's": error(500, "ValidationException"),
    "500 empty": Reply(500, b""),
    "502 html": Reply(502, HTML, {"Content-Type": "text/html"}),
    "503 html": Reply(503, b"<html>no server is available</html>", {"Content-Type": "text/html"}),
    "503 empty object": Reply(503, b"{}", JSON),
    "503 list": Reply(503, b"[]", JSON),
    "503 null": Reply(503, b"null", JSON),
    "503 text": Reply(503, b'"down"', JSON),
    "503 not UTF-8": Reply(503, b"\xff\xfe", JSON),
    "503 cut short": Reply(503, b'{"__type"', JSON | {"Content-Length": "4000"}),
    "503 code is a list": Reply(503, b'{"__type": []}', JSON),
    "503 code is an object": Reply(503, b'{"__type": {}}', JSON),
    "503 code is a number": Reply(503, b'{"__type": 7}', JSON),
    "503 code is null": Reply(503, b'{"__type": null}', JSON),
    "503 nested": Reply(503, b"[" * 100_000, JSON),
    "504 text": Reply(504, b"upstream request timeout", {"Content-Type": "text/plain"}),
    "529": Reply(529, b"overloaded"),
    "599": Reply(599, b""),
    "429 html": Reply(429, b"<html>slow down</html>", {"Content-Type": "text/html"}),
    "429 empty": Reply(429, b""),
    "429 code": error(429, "TooManyRequestsException"),
    "400 without a code": Reply(400, b'{"message": "no"}', JSON),
    "403 html": Reply(403, HTML, {"Content-Type": "text/html"}),
    "407 html": Reply(407, HTML, {"Content-Type": "text/html"}),
    "301": Reply(301, b"", {"Location": "http://127.0.0.1:1/"}),
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
    "html": Reply(200, HTML, {"Content-Type": "text/html"}),
    "empty": Reply(200, b"", JSON),
    "blank": Reply(200, b"\r\n", JSON),
    "truncated": Reply(200, b'{"Item": {"id": {"S": "a', JSON),
    "cut short": Reply(200, b'{"Item": {"id"', JSON | {"Content-Length": "4000"}),
    "null": Reply(200, b"null", JSON),
    "list": Reply(200, b"[]", JSON),
    "number": Reply(200, b"0", JSON),
    "text": Reply(200, b'"ok"', JSON),
    "two objects": Reply(200, b"{}{}", JSON),
    "not UTF-8": Reply(200, b"\xff{}", JSON),
    "nested": Reply(200, b"[" * 100_000, JSON),
    "somebody else's": Reply(200, b'{"message": "Please log in"}', JSON),
    "wrong checksum": Reply(200, b"{}", JSON | {"x-amz-crc32": "12345"}),
    "checksum that is no number": Reply(200, b"{}", JSON | {"x-amz-crc32": "abc"}),
    "item is a list": Reply(200, b'{"Item": ["a"], "Items": 1, "Responses": [1], "Attributes": [1]}', JSON),
    "item is a text": Reply(200, b'{"Item": "a", "Items": "a", "Responses": "a", "Attributes": "a"}', JSON),
    "attribute is a text": Reply(
        200,
        b'{"Item": {"id": "a"}, "Items": [{"id": "a"}], "Responses": {"t": [1]}, "Attributes": {"id": "a"}}',
        JSON,
    ),
    "201": Reply(201, b'{"created": true}', JSON),
    "204": Reply(204, b""),
    "206": Reply(206, b'{"It', JSON),
}


@pytest.mark.parametrize("reply", TEMPORARY.values(), ids=TEMPORARY)
def test_a_temporary_error_of_any_shape_is_unavailable(faulty, dao, reply):
    faulty.fault = lambda *_: reply
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)


@pytest.mark.parametrize("kind", ["503 html", "503 code is a list", "400 TransactionConflict"])
def test_a_temporary_error_is_unavailable_for_every_call(faulty, dao, kind):
    faulty.fault = lambda *_: TEMPORARY[kind]
    errors = {name: error_of(call) for name, call in calls(dao).items()}
    assert {name: type(error) for name, error in errors.items()} == dict.fromkeys(errors, Unavailable)


@pytest.mark.parametrize("reply", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_reply_is_unavailable_for_every_call(faulty, dao, reply):
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
def test_a_mistake_of_the_service_is_no_temporary_error(faulty, dao, code):
    faulty.fault = lambda *_: error(400, f"com.amazon.coral.service#{code}")
    for call in calls(dao).values():
        assert code in str(error_of(call))
        assert not isinstance(error_of(call), Unavailable)


@pytest.mark.parametrize("headers", [{}, {"x-amz-crc32": str(crc32(b"{}"))}])
def test_an_empty_object_is_a_proper_reply_of_a_read_that_found_nothing(faulty, dao, headers):
    faulty.fault = lambda *_: Reply(200, b"{}", JSON | headers)
    assert dao.find(stored(1).id) is None


@pytest.mark.parametrize(
    "body", [b"{}", b'{"Count": 0, "ScannedCount": 0}', b'{"Items": []}', b'{"Items": null}']
)
def test_a_query_or_a_batch_without_its_members_is_unavailable(faulty, dao, body):
    """An import that took it for "no such items" would overwrite them."""
    faulty.fault = lambda *_: Reply(200, body, JSON)
    for call in (lambda: dao.page(NewsFilter(), None, 5), lambda: dao.find_many([stored(1).id])):
        with pytest.raises(Unavailable):
            call()


@pytest.mark.parametrize("item", ["{}", '{"sort": {"N": "1"}}', '{"sort": {"S": 1}}', '{"id": {"S": "a"}}'])
def test_an_item_of_an_index_without_its_key_is_unavailable(faulty, dao, item):
    body = f'{{"Items": [{item}, {item}], "Count": 2, "ScannedCount": 2}}'
    faulty.fault = lambda *_: Reply(200, body.encode(), JSON)
    with pytest.raises(Unavailable):
        dao.page(NewsFilter(), None, 5)


def test_a_damaged_page_in_mid_list_is_unavailable(faulty, dao):
    dao.add_many([stored(n) for n in range(12)])
    faulty.seen.clear()
    faulty.fault = lambda *_: Reply(200, b"", JSON) if len(faulty.seen) > 2 else None
    lists = NewsDao(settings_for(faulty.url, tables={"news": dao._table_name}, feed_shards=4))
    with pytest.raises(Unavailable):
        lists.page(NewsFilter(), None, 5)


def test_the_log_has_the_code_and_not_all_of_a_long_reply(faulty, dao, caplog):
    faulty.fault = lambda *_: Reply(403, b"<html>" + b"x" * 50_000, {"Content-Type": "text/html"})
    with pytest.raises(Unavailable):
        dao.find(stored(1).id)
    assert "403" in caplog.text
    assert len(caplog.text) < 1_000


@pytest.mark.parametrize(
    ("reply", "throttles"),
    [(error(400, "Throttling"), 2), (Reply(429, HTML), 2), (error(500, "InternalServerError"), 0)],
)
def test_every_try_is_counted_and_so_are_throttles_of_any_shape(faulty, dao, reply, throttles):
    faulty.fault = lambda *_: reply
    context = RequestContext()
    token = CURRENT_CONTEXT.set(context)
    try:
        with pytest.raises(Unavailable):
            dao.find(stored(1).id)
    finally:
        CURRENT_CONTEXT.reset(token)
    assert context.dynamodb_calls == 2
    assert dict(context.met).get("dynamodb_throttled_requests", 0) == throttles


def page_of(numbers, **more):
    items = [item_of(number) for number in numbers]
    body = {"Items": items, "Count": len(items), "ScannedCount": len(items)} | more
    return Reply(200, json.dumps(body).encode(), JSON)


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
    assert faulty.seen == ["Query"]


def test_empty_pages_before_items_are_passed_over(faulty, dao):
    pages = iter([page_of([], LastEvaluatedKey=KEY), page_of([], LastEvaluatedKey=KEY), page_of([3, 2])])
    faulty.fault = lambda *_: next(pages)
    assert [item.id for item in dao.page(NewsFilter(), None, 3).items] == [stored(3).id, stored(2).id]


def test_empty_pages_without_an_end_are_unavailable(faulty, dao):
    faulty.fault = lambda *_: page_of([], LastEvaluatedKey=KEY)
    with pytest.raises(Unavailable):
        dao.page(NewsFilter(), None, 3)
    assert len(faulty.seen) < 20
