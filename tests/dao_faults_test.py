"""The dao when DynamoDB throttles, fails, or can't be reached: a real server in between makes it so."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from conftest import settings_for
from fakes import stored

from news.dao import BATCH_PAUSE_SECONDS, NewsDao
from news.model import NewsFilter
from shared.errors import Unavailable
from tools.processes import free_port
from tools.tables import create_tables

HANG_UP = object()


class Faulty(ThreadingHTTPServer):
    """Hands requests on to a DynamoDB, unless `fault` has an answer of its own: status and body, or None."""

    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Forward)
        self.target, self.fault, self.seen = target, lambda *_: None, []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.server.seen.append(operation)
        if self.server.fault is HANG_UP:
            self.close_connection = True
            return
        status, answer = self.server.fault(operation, json.loads(body)) or self.forward(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def forward(self, body):
        answer = requests.post(self.server.target, body, headers=dict(self.headers), timeout=10)
        return answer.status_code, answer.content

    def log_message(self, *_):
        pass


@pytest.fixture
def faulty(moto_url):
    server = Faulty(moto_url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


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
        lambda: dao.remove(stored(1).id, 1),
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
    faulty.fault = HANG_UP
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
    dao_behind = NewsDao(settings_for(faulty.target, news_table=dao._table_name))
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
    patient = NewsDao(settings_for(faulty.url, news_table=dao._table_name), sleep=pauses.append)
    with pytest.raises(Unavailable, match="2 of 2 items"):
        patient.add_many([stored(1), stored(2)])
    assert faulty.seen.count("BatchWriteItem") == 8
    assert len(pauses) == 7
    assert all(0 <= pause <= BATCH_PAUSE_SECONDS * 2**n for n, pause in enumerate(pauses))
    assert max(pauses) > BATCH_PAUSE_SECONDS
