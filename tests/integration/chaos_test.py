"""No write is lost or applied twice while parts of the service fail.

FAULT_ROUNDS and FAULT_SECONDS set the duration; `make chaos` sets them.
"""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from news.controller import setup_route
from news.dao import NewsDao
from news.model import NewsFilter
from shared.app import create_app
from shared.constants import CLAIMS
from support.dynamodb_proxy import DROP_RESPONSE, Proxy
from support.environment import settings_for
from support.fakes import etag, sent
from support.fault_clients import Loader, Writer
from support.fault_harness import FaultyService
from tools.local.tables import create_tables

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "5"))
SECONDS = float(os.environ.get("FAULT_SECONDS", "5"))
WRITERS = 16


def client_of(app):
    client = app.test_client()
    client.environ_base[CLAIMS] = {"scope": "news:write"}
    return client


def app_on(endpoint):
    settings = settings_for(endpoint)
    create_tables(settings)
    app = create_app(settings)
    setup_route(app)
    return app, NewsDao(settings)


def stored_in(dao):
    """Return every item of the table, read through the list."""
    found, after = [], None
    while True:
        items, after = dao.page(NewsFilter(), after, 100)
        found += items
        if after is None:
            return found


def test_one_of_many_writers_of_the_same_version_succeeds_and_no_update_is_lost(ministack_url):
    """In each round, all writers read the item, then all replace the version they read."""
    app, _ = app_on(ministack_url)
    item = client_of(app).post("/news/", json=sent()).json
    target, together = f"/news/{item['id']}", threading.Barrier(WRITERS, timeout=60)

    def write(number):
        client, results = client_of(app), []
        for turn in range(ROUNDS):
            together.wait()
            before = client.get(target).json
            together.wait()
            title = f"writer {number}, turn {turn}, on {before['version']}"
            match = {"If-Match": etag(before)}
            response = client.put(target, json=sent(title=title), headers=match)
            results.append((response.status_code, turn, before["version"], response.json))
        return results

    with ThreadPoolExecutor(WRITERS) as pool:
        results = [result for writer in pool.map(write, range(WRITERS)) for result in writer]
    statuses = Counter(status for status, *_ in results)
    print(f"\n{WRITERS} writers x {ROUNDS} rounds: {dict(statuses)}")
    assert statuses == {200: ROUNDS, 412: ROUNDS * (WRITERS - 1)}
    won = sorted((turn, before, body) for status, turn, before, body in results if status == 200)
    assert [body["version"] for *_, body in won] == list(range(2, ROUNDS + 2))
    assert all(body["version"] == before + 1 == turn + 2 for turn, before, body in won)
    assert client_of(app).get(target).json == won[-1][-1]


@pytest.fixture
def lossy(ministack_url):
    """An app whose DynamoDB processes the first write and drops the response."""
    with Proxy(ministack_url) as proxy:
        app, dao = app_on(proxy.url)
        writes = []

        def fault(operation, request):
            if operation in {"PutItem", "UpdateItem", "DeleteItem"}:
                writes.append(operation)
                return DROP_RESPONSE if len(writes) == 1 else None
            return None

        proxy.fault = fault
        yield client_of(app), dao, writes


def test_a_create_whose_response_was_lost_returns_201(lossy):
    client, dao, writes = lossy
    response = client.post("/news/", json=sent())
    assert response.status_code == 201
    assert len(writes) == 2
    assert [item.title for item in stored_in(dao)] == ["Title 1"]


def test_a_repeated_create_returns_the_same_item(lossy):
    client, dao, _ = lossy
    responses = [client.post("/news/", json=sent()) for _ in range(3)]
    assert [response.status_code for response in responses] == [201, 200, 200]
    assert responses[0].json == responses[1].json == responses[2].json
    assert len(stored_in(dao)) == 1


def test_a_replace_or_delete_whose_response_was_lost_is_applied_once(lossy):
    client, dao, writes = lossy
    item = client.post("/news/", json=sent()).json
    target = f"/news/{item['id']}"
    writes.clear()
    response = client.put(target, json=sent(title="New"), headers={"If-Match": etag(item)})
    assert (response.status_code, response.json["version"]) == (200, 2)
    writes.clear()
    assert client.delete(target, headers={"If-Match": etag(response.json)}).status_code == 204
    assert stored_in(dao) == []


def test_after_many_faults_every_acknowledged_write_is_stored_once(ministack_url, tmp_path):
    """Killed workers and servers, throttling, half-processed batches, dropped responses, a lost cache."""
    done = threading.Event()
    with FaultyService(ministack_url, tmp_path) as service:
        writers = [Writer(service, number, done) for number in range(6)]
        loader = Loader(service, done)
        for thread in (*writers, loader):
            thread.start()
        try:
            service.inject_faults(SECONDS)
        finally:
            done.set()
            for thread in (*writers, loader):
                thread.join()
        acknowledged = {key: item for writer in writers for key, item in writer.created.items()}
        owner = {key: writer for writer in writers for key in writer.created}
        replaced = sum(len(writer.replaced) for writer in writers)
        reader = Writer(service, -1, done)
        read = {key: reader.send_until({200}, "GET", f"/news/{key}") for key in acknowledged}
        reader.session.close()
        found = stored_in(NewsDao(service.settings))
    responses = sum((writer.counts for writer in writers), Counter())
    print(
        f"\n{len(acknowledged)} created and {replaced} replaced by 6 writers, {len(loader.loaded)} loaded; "
        f"faults: {dict(service.counts)}, {service.proxy.faults} of DynamoDB; responses: {dict(responses)}"
    )
    assert [each for writer in writers for each in writer.wrong] == []
    wrong = [key for key, item in acknowledged.items() if not owner[key].is_possible(item, read[key])]
    assert wrong == []
    urls = [item.url for item in found]
    assert len(urls) == len(set(urls))
    assert set(urls) == {item["url"] for item in acknowledged.values()} | loader.loaded
    assert 500 not in responses
    assert all(writer.replaced == sorted(set(writer.replaced)) for writer in writers)
    assert all(service.counts.values())
    assert all(writer.replaced for writer in writers)
    assert len(acknowledged) > service.counts.total()
