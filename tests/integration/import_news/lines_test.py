"""The lines of an import: formats, encodings, invalid lines and their reasons."""

import os
import re
import tracemalloc

import pytest

from news.service import NewsService
from support.fakes import FakeDao, clock, sent
from support.import_command import BOM, line, write
from tools.local.bulk_import import import_lines
from tools.local.import_formats import READERS
from tools.local.json_lines import MAX_LINE_BYTES, UnreadableFile, read_lines

HEADLINE = {
    "title": "Why do all microwaves have the same 'beep'?",
    "domain": "wgbh.org",
    "category": "technology",
    "link": "https://www.wgbh.org/news/beep",
    "sentiment": 0,
    "timestamp": 1637696538,
    "published": "November 23, 2021 2:42 PM",
}


def load(path, reader="news", dao=None):
    dao = dao or FakeDao()
    with path.open("rb") as file:
        counts = import_lines(read_lines(file, READERS[reader]), NewsService(dao, now=clock()))
    return counts, dao


def test_a_file_that_is_loaded_again_creates_nothing(tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(60)] + [sent(1)])
    counts, dao = load(path)
    assert counts == (60, 1, 0)
    assert load(path, dao=dao)[0] == (0, 61, 0)
    assert len(dao.items) == 60


def test_invalid_lines_are_reported_with_number_and_reason_and_the_import_continues(tmp_path, capsys):
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
    assert len(dao.items) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in errors] == [f"line {n}" for n in (2, 4, 5, 6, 8, 9)]
    assert "truncated" in errors[0]
    assert "title" in errors[1]
    assert "not a JSON object" in errors[2]


def test_headlines_are_converted_to_items(tmp_path):
    counts, dao = load(write(tmp_path / "headlines.jsonl", [HEADLINE]), "headlines")
    assert counts == (1, 0, 0)
    [item] = dao.items.values()
    assert (item.title, item.source) == (HEADLINE["title"], "wgbh.org")
    assert (item.category, item.url) == ("technology", HEADLINE["link"])
    assert item.published_at.isoformat() == "2021-11-23T19:42:18+00:00"


def test_control_characters_in_a_headline_are_removed(tmp_path):
    headline = HEADLINE | {"title": 'She said: "\x80\x98You are\n our pride"'}
    counts, dao = load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")
    assert counts == (1, 0, 0)
    assert [item.title for item in dao.items.values()] == ['She said: "You are our pride"']


def test_lines_with_equivalent_urls_are_one_item(tmp_path):
    urls = ("https://example.com/1", "HTTPS://Example.com:443/1#top", "https://EXAMPLE.com/1#")
    path = write(tmp_path / "news.jsonl", [sent(url=url) for url in urls])
    counts, dao = load(path)
    assert counts == (1, 2, 0)
    assert load(path, dao=dao)[0] == (0, 3, 0)


@pytest.mark.parametrize(
    "change", [{"title": 5}, {"timestamp": "soon"}, {"timestamp": 1e20}, {"timestamp": None}, {"link": 5}]
)
def test_a_headline_with_an_invalid_field_is_rejected(tmp_path, change):
    assert load(write(tmp_path / "headlines.jsonl", [HEADLINE | change]), "headlines")[0] == (0, 0, 1)


@pytest.mark.parametrize("field", ["title", "domain", "category", "link", "timestamp"])
def test_a_missing_field_of_a_headline_is_named(tmp_path, capsys, field):
    headline = {name: value for name, value in HEADLINE.items() if name != field}
    assert load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")[0] == (0, 0, 1)
    assert capsys.readouterr().err == f"line 1: {field}: is required\n"


@pytest.mark.parametrize(
    "content",
    [
        BOM + line(1) + line(2),
        BOM + b"\n" + line(1) + b"\r\n \t\n" + line(2).rstrip(),
        line(1).replace(b"\n", b"\r\n") + line(2).replace(b"\n", b"\r\n"),
        BOM + line(1) + BOM + line(2),  # cat a.jsonl b.jsonl
    ],
)
def test_byte_order_marks_and_windows_line_ends_are_accepted(tmp_path, content):
    path = tmp_path / "news.jsonl"
    path.write_bytes(content)
    assert load(path)[0] == (2, 0, 0)


@pytest.mark.parametrize("content", [b"", BOM, b"\n\n", BOM + b"\r\n"])
def test_an_empty_file_imports_nothing(tmp_path, content):
    path = tmp_path / "news.jsonl"
    path.write_bytes(content)
    assert load(path)[0] == (0, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_rejected(tmp_path, encoding):
    path = tmp_path / "news.jsonl"
    path.write_bytes(("\ufeff" + line(1).decode()).encode(encoding))
    with pytest.raises(UnreadableFile, match="in UTF-16"):
        load(path)


def test_invalid_utf_8_is_reported_with_its_line(tmp_path, capsys):
    path = write(tmp_path / "news.jsonl", [sent(1), b'{"title": "\xff"}', b"\xc3\x28", b"{\0}", sent(2)])
    assert load(path)[0] == (2, 0, 3)
    assert re.findall(r"^line (\d+): ", capsys.readouterr().err, re.MULTILINE) == ["2", "3", "4"]


def test_a_long_line_is_skipped_in_bounded_memory(tmp_path, capsys):
    path = tmp_path / "news.jsonl"
    with path.open("wb") as file:
        file.write(line(1) + b'{"title": "')
        file.seek(200 * MAX_LINE_BYTES, os.SEEK_CUR)  # a sparse file
        file.write(b'"}\n' + line(2) + b" " * MAX_LINE_BYTES + b"\n" + line(3) + b"x" * MAX_LINE_BYTES)
    tracemalloc.start()
    try:
        assert load(path)[0] == (3, 0, 3)
        assert tracemalloc.get_traced_memory()[1] < 10 * MAX_LINE_BYTES
    finally:
        tracemalloc.stop()
    reported = capsys.readouterr().err.splitlines()
    assert reported == [f"line {n}: longer than 1,048,576 bytes" for n in (2, 4, 6)]


def test_a_reason_is_one_short_printable_line(tmp_path, capsys):
    names = ["a\nline 9: b", "\x1b[31m", "\u2028", "x" * 100_000]
    load(write(tmp_path / "news.jsonl", [sent(1) | {name: 1} for name in names]))
    reported = capsys.readouterr().err
    assert re.findall(r"^line (\d+): ", reported, re.MULTILINE) == ["1", "2", "3", "4"]
    assert max(len(each) for each in reported.split("\n")) < 400
    assert "\x1b" not in reported
    assert "\u2028" not in reported


class Failing:
    """A file whose disk fails after the first line."""

    def __init__(self):
        self.parts = [line(1)]

    def readline(self, limit):
        if not self.parts:
            raise OSError(5, "Input/output error")
        return self.parts.pop()


def test_a_disk_error_raises_unreadable_file():
    lines = read_lines(Failing(), READERS["news"])
    assert next(lines).number == 1
    with pytest.raises(UnreadableFile, match="Input/output error"):
        next(lines)
