"""`make import`: files of news into a table."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import CLEAN, ROOT, settings_for, table_settings
from fakes import FakeDao, clock, sent

from news.dao import NewsDao
from news.model import NewsFilter
from news.service import NewsService
from tools.import_news import import_lines, read_lines
from tools.readers import READERS
from tools.tables import create_tables

HEADLINE = {
    "title": "Why do all microwaves have the same 'beep'?",
    "domain": "wgbh.org",
    "category": "technology",
    "link": "https://www.wgbh.org/news/beep",
    "sentiment": 0,
    "timestamp": 1637696538,
    "published": "November 23, 2021 2:42 PM",
}


def write(path, lines):
    text = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(b"\n".join(text) + b"\n")
    return path


def load(path, reader="news", dao=None):
    dao = dao or FakeDao()
    with path.open("rb") as file:
        counts = import_lines(read_lines(file, READERS[reader]), NewsService(dao, now=clock()))
    return counts, dao


def test_a_file_is_loaded_once(tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(60)] + [sent(1)])
    counts, dao = load(path)
    assert counts == (60, 1, 0)
    assert load(path, dao=dao)[0] == (0, 61, 0)
    assert len(dao.rows) == 60


def test_bad_lines_are_reported_with_number_and_reason_and_stop_nothing(tmp_path, capsys):
    lines = [
        sent(1),
        b"{",
        b"",
        sent(2, title=""),
        b"[]",
        b'{"title": NaN}',
        sent(3),
        b'{"a": 1, "a": 2}',
        b"\xff",
    ]
    counts, dao = load(write(tmp_path / "news.jsonl", lines))
    assert counts == (2, 0, 6)
    assert len(dao.rows) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"line {n}" for n in (2, 4, 5, 6, 8, 9)]
    assert "truncated" in said[0]
    assert "title" in said[1]
    assert "not a JSON object" in said[2]


def test_headlines_are_read(tmp_path):
    counts, dao = load(write(tmp_path / "headlines.jsonl", [HEADLINE]), "headlines")
    assert counts == (1, 0, 0)
    [item] = dao.rows.values()
    assert (item.title, item.source) == (HEADLINE["title"], "wgbh.org")
    assert (item.category, item.url) == ("technology", HEADLINE["link"])
    assert item.published_at.isoformat() == "2021-11-23T19:42:18+00:00"


def test_a_headline_is_read_without_the_control_characters_in_it(tmp_path):
    headline = HEADLINE | {"title": 'She said: "\x80\x98You are\n our pride"'}
    counts, dao = load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")
    assert counts == (1, 0, 0)
    assert [item.title for item in dao.rows.values()] == ['She said: "You are our pride"']


def test_lines_with_equivalent_urls_are_one_item(tmp_path):
    urls = ("https://example.com/1", "HTTPS://Example.com:443/1#top", "https://EXAMPLE.com/1#")
    path = write(tmp_path / "news.jsonl", [sent(url=url) for url in urls])
    counts, dao = load(path)
    assert counts == (1, 2, 0)
    assert load(path, dao=dao)[0] == (0, 3, 0)


@pytest.mark.parametrize(
    "change", [{"title": 5}, {"timestamp": "soon"}, {"timestamp": 1e20}, {"timestamp": None}, {"link": 5}]
)
def test_a_headline_with_a_wrong_field_is_refused(tmp_path, change):
    assert load(write(tmp_path / "headlines.jsonl", [HEADLINE | change]), "headlines")[0] == (0, 0, 1)


@pytest.mark.parametrize("field", ["title", "domain", "category", "link", "timestamp"])
def test_a_headline_without_a_field_is_refused_by_its_name(tmp_path, capsys, field):
    headline = {name: value for name, value in HEADLINE.items() if name != field}
    assert load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")[0] == (0, 0, 1)
    assert capsys.readouterr().err == f"line 1: {field}: is required\n"


def command(path, *more):
    return [sys.executable, "-m", "tools.import_news", str(path), *more]


def environment(settings):
    return CLEAN | {
        "STAGE": "local",
        "AWS_REGION": settings.region,
        **table_settings(settings),
        "AWS_ENDPOINT_URL_DYNAMODB": settings.dynamodb_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture
def settings(moto_url):
    made = settings_for(moto_url)
    create_tables(made)
    return made


def run(arguments, env, **options):
    return subprocess.run(
        arguments, cwd=ROOT, env=env, capture_output=True, text=True, check=False, **options
    )


def ids(settings):
    dao, found, after = NewsDao(settings), [], None
    while True:
        items, after = dao.page(NewsFilter(), after, 100)
        found += [item.id for item in items]
        if after is None:
            return found


def test_the_command_ends_with_the_counts(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1), sent(2), b"{"])
    done = run(command(path), environment(settings))
    assert done.returncode == 0
    assert done.stdout == "2 created, 0 already there, 1 refused\n"
    assert "line 2" not in done.stderr
    assert "line 3: " in done.stderr
    assert "import: 100%" in done.stderr


def test_an_import_killed_half_way_and_run_again_misses_and_doubles_nothing(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(1000)])
    killed = subprocess.Popen(
        command(path),
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not ids(settings) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    before = len(ids(settings))
    assert 0 < before < 1000
    done = run(command(path), environment(settings))
    assert done.stdout == f"{1000 - before} created, {before} already there, 0 refused\n"
    found = ids(settings)
    assert len(found) == len(set(found)) == 1000


def test_an_import_into_a_table_that_is_absent_ends_with_one_line(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    done = run(command(path), environment(settings) | {"NEWS_TABLE": "absent"})
    assert done.returncode == 1
    assert "make tables" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nix.jsonl"], "there is no file nix.jsonl"), (["README.md", "--format", "x"], "invalid choice")],
)
def test_wrong_arguments_are_said_in_a_line(settings, arguments, says):
    done = run(command(*arguments), environment(settings))
    assert done.returncode != 0
    assert says in done.stderr.splitlines()[-1]


def test_an_import_with_no_run_up_says_what_to_do(tmp_path):
    done = run(command(write(tmp_path / "news.jsonl", [sent(1)])), CLEAN | {"LOCAL": str(tmp_path / "none")})
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_tables_are_created_once(moto_url, tmp_path):
    env = environment(settings_for(moto_url))
    first, second = (run([sys.executable, "-m", "tools.tables"], env) for _ in range(2))
    assert f"tables: {env['NEWS_TABLE']} is created\n" in first.stdout
    assert f"tables: {env['NEWS_TABLE']} is there\n" in second.stdout
    wrong = run([sys.executable, "-m", "tools.tables"], CLEAN | {"LOCAL": str(tmp_path)})
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("tables: STAGE: is not set")
