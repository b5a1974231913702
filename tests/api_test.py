"""Tests of the API, served by gunicorn as `make run` starts it."""

import itertools
import json
import re
import subprocess
import sys
import threading

import pytest
import requests

from support.environment import CLEAN, ROOT, SHARED
from support.fakes import sent
from support.local_run import LocalRun

HEADLINES = SHARED / "data" / "headlines.jsonl"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with LocalRun(tmp_path_factory.mktemp("run")) as started:
        yield started


@pytest.fixture(scope="module")
def writer(local):
    return local.writer()


@pytest.fixture
def api(local, writer):
    """A session with a writer's token, and the URL of the service as `url`."""
    with requests.Session() as session:
        session.url, session.auth = local.url, writer
        yield session


def every_page(api, target):
    """Return the items of all pages of a list, by its links."""
    items = []
    while target:
        response = api.get(api.url + target, timeout=30)
        assert response.status_code == 200
        items += response.json()["items"]
        target = response.links["next"]["url"] if "next" in response.links else None
    return items


def test_a_new_run_has_the_sample_items(api):
    sample = [
        json.loads(line) for line in (ROOT / "tools" / "local" / "sample_news.jsonl").read_text().splitlines()
    ]
    assert len(sample) == 20
    assert {item["url"] for item in every_page(api, "/news/?limit=7")} == {item["url"] for item in sample}


def test_an_item_lives_through_create_read_replace_and_delete(api):
    made = api.post(api.url + "/news", json=sent("life"))
    assert made.status_code == 201
    target = api.url + made.headers["Location"]
    assert api.get(target).json() == made.json()
    changed = api.put(target, json=sent("life", title="New"), headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    stale = api.put(target, json=sent("life"), headers={"If-Match": made.headers["ETag"]})
    assert (stale.status_code, stale.headers["Content-Type"]) == (412, "application/problem+json")
    assert api.head(target).headers["ETag"] == changed.headers["ETag"]
    assert api.delete(target, headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    assert api.get(target).status_code == 404


def test_deep_health_is_ok(api):
    response = api.get(api.url + "/health?deep=1")
    assert response.status_code == 200
    assert response.json()["checks"]["dynamodb"] == "ok"


def test_a_chunked_body_is_accepted_up_to_the_limit(api):
    body = json.dumps(sent("chunked")).encode()
    headers = {"Content-Type": "application/json"}
    response = api.post(api.url + "/news/", data=iter([body[:9], body[9:]]), headers=headers)
    assert response.status_code == 201
    api.delete(api.url + response.headers["Location"])
    largest = b'{"title": 1}'.ljust(65_536)
    response = api.post(api.url + "/news/", data=iter([largest]), headers=headers)
    assert response.json()["errors"][0]["field"] == "title"
    response = api.post(api.url + "/news/", data=iter([largest, b" "]), headers=headers)
    assert response.status_code == 413
    assert "65536 bytes" in response.json()["detail"]


def test_pages_neither_miss_nor_repeat_items_during_writes(api):
    items = [sent(f"page{n}", category="paging", published_at=f"2026-03-01T00:{n:02}:00Z") for n in range(60)]
    made = [api.post(api.url + "/news/", json=item).json() for item in items]
    stop = threading.Event()

    def write():
        """Create and delete newer items, and delete every tenth of the sixty."""
        with requests.Session() as session:
            session.auth = api.auth
            doomed = iter(made[::10])
            for n in itertools.count():
                if stop.is_set():
                    break
                new = sent(f"busy{n}", category="paging", published_at=f"2026-03-02T00:00:{n % 60:02}Z")
                location = session.post(api.url + "/news/", json=new).headers["Location"]
                for target in (location, *(f"/news/{item['id']}" for item in itertools.islice(doomed, 1))):
                    assert session.delete(api.url + target).status_code == 204

    writer = threading.Thread(target=write)
    writer.start()
    try:
        rounds = [every_page(api, "/news/?limit=5&category=paging") for _ in range(10)]
    finally:
        stop.set()
        writer.join()
    kept = [item["id"] for item in reversed(made) if item not in made[::10]]
    for listed in rounds:
        ids = [item["id"] for item in listed]
        assert len(ids) == len(set(ids))
        assert [news_id for news_id in ids if news_id in kept] == kept
        times = [item["published_at"] for item in listed]
        assert times == sorted(times, reverse=True)


@pytest.mark.skipif(not HEADLINES.exists(), reason="../shared/data/headlines.jsonl does not exist")
def test_imported_headlines_are_listed(local, api, tmp_path):
    lines = HEADLINES.read_text().splitlines()[:900]
    expected = {}
    for line in map(json.loads, lines):
        expected.setdefault(line["link"], line)
    assert len(expected) < len(lines), "the slice holds urls that appear twice"
    for item in every_page(api, "/news/?limit=100"):
        api.delete(f"{api.url}/news/{item['id']}")
    (tmp_path / "slice.jsonl").write_text("\n".join(lines))
    command = [
        sys.executable,
        "-m",
        "tools.local.import_news",
        str(tmp_path / "slice.jsonl"),
        "--format",
        "headlines",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=CLEAN | local.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{len(expected)} created, {900 - len(expected)} existing, 0 rejected\n"
    assert titles(every_page(api, "/news/?limit=100")) == titles_of(expected.values())
    for category in {line["category"] for line in expected.values()}:
        matching = [line for line in expected.values() if line["category"] == category]
        assert titles(every_page(api, f"/news/?limit=100&category={category}")) == titles_of(matching)
    ranged = every_page(api, "/news/?limit=100&since=2021-11-18T00:00:00Z&until=2021-11-20T00:00:00Z")
    matching = [line for line in expected.values() if 1637193600 <= line["timestamp"] < 1637366400]
    assert 0 < len(matching) < len(expected)
    assert titles(ranged) == titles_of(matching)


def test_imported_items_are_listed_at_once_despite_the_cache(local, api, tmp_path):
    url = f"{api.url}/news/?category=imported"
    assert api.get(url).json()["items"] == api.get(url).json()["items"] == []
    (tmp_path / "news.jsonl").write_text(json.dumps(sent("imported", category="imported")))
    command = [sys.executable, "-m", "tools.local.import_news", str(tmp_path / "news.jsonl")]
    subprocess.run(command, cwd=ROOT, env=CLEAN | local.environment, capture_output=True, check=True)
    assert [item["title"] for item in api.get(url).json()["items"]] == ["Title imported"]


def titles(items):
    """Return sorted titles; items of the same time may be in any order."""
    times = [item["published_at"] for item in items]
    assert times == sorted(times, reverse=True)
    return sorted(item["title"] for item in items)


def titles_of(lines):
    return sorted(line["title"] for line in lines)


def test_only_the_server_header_names_the_software(api):
    response = api.get(api.url + "/nix")
    assert not re.search("flask|werkzeug|python", str(response.headers) + response.text, re.IGNORECASE)
