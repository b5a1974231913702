"""The DAO with every kind of response from DynamoDB or a proxy in front of it."""

from zlib import crc32

import pytest

from news.model import NewsFilter
from shared.errors import Unavailable
from shared.observability.context import CURRENT_CONTEXT, RequestContext
from support.dynamodb_proxy import StubResponse
from support.dynamodb_responses import DAMAGED, HTML, JSON, TEMPORARY, error
from support.fakes import stored


@pytest.fixture(scope="module")
def dao(proxied_dao):
    return proxied_dao


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


def error_of(call):
    try:
        call()
    except Exception as error:  # noqa: BLE001  # the test asserts its type
        return error
    return None


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
