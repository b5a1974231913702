"""Fields of an item: required ones, limits, control characters and times."""

from datetime import UTC, datetime

import pytest

from shared.errors import InvalidInput
from support.fakes import CONTROLS, fields_of, sent


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 301}, "title"),
        ({"title": 5}, "title"),
        ({"title": None}, "title"),
        ({"title": "\ud800"}, ""),
        ({"title": "a\n"}, "title"),
        ({"title": "a\tb"}, "title"),
        ({"source": ""}, "source"),
        ({"source": "a\r\nb"}, "source"),
        ({"source": "x" * 101}, "source"),
        ({"category": ""}, "category"),
        ({"category": "x" * 41}, "category"),
        ({"category": "a b"}, "category"),
        ({"category": "science\n"}, "category"),
        ({"category": "science\r"}, "category"),
        ({"category": "\u0661"}, "category"),
        ({"category": "ä"}, "category"),
        ({"summary": "x" * 2001}, "summary"),
        ({"published_at": "yesterday"}, "published_at"),
        ({"published_at": "2026-01-01T00:00:00"}, "published_at"),
        ({"published_at": 1767225600}, "published_at"),
        ({"published_at": "2026-01-01T00:00:61Z"}, "published_at"),
        ({"published_at": "2026-01-01T00:60:60Z"}, "published_at"),
        ({"published_at": "2026-01-01T00:00:60"}, "published_at"),
        ({"published_at": "0001-01-01T00:00:60+00:01"}, "published_at"),
        ({"published_at": "2026-01-01T00:00:00.0000000000Z"}, "published_at"),
        ({"published_at": f"2026-01-01T00:00:60.{'9' * 4000}+01:00"}, "published_at"),
        ({"published_at": "0001-01-01T00:00:00+23:59"}, "published_at"),
        ({"published_at": "9999-12-31T23:59:59-00:01"}, "published_at"),
        ({"url": ""}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https:///path"}, "url"),
        ({"url": "https://example.com:99999/"}, "url"),
        ({"url": "https://[::1/"}, "url"),
        ({"url": "https://example.com/a b"}, "url"),
        ({"url": "https://example.com/\n"}, "url"),
        ({"url": "https://example.com:0/"}, "url"),
        ({"url": "https://user@:80/"}, "url"),
        ({"url": "http\u017f://example.com/"}, "url"),
        ({"url": "https://example.com" + "?" * 2029}, "url"),
        ({"url": "javascript:alert(1)//https://x"}, "url"),
        ({"url": "https://example.com/" + "x" * 2029}, "url"),
        ({"id": "1"}, "id"),
        ({"version": 1}, "version"),
        ({"a.b`c": 1}, "a.b`c"),
    ],
)
def test_create_with_an_invalid_field_with_if_match(news, dao, change, field):
    with pytest.raises(InvalidInput) as error:
        news.create(sent(**change))
    assert fields_of(error) == [field]
    assert error.value.errors[0].message
    assert not dao.items


@pytest.mark.parametrize("field", ["title", "url", "source", "category"])
def test_create_without_a_required_field_with_if_match(news, field):
    data = sent()
    del data[field]
    with pytest.raises(InvalidInput, match="required") as error:
        news.create(data)
    assert fields_of(error) == [field]


@pytest.mark.parametrize("data", [None, [], [sent()], "text", 5])
def test_create_without_an_object_is_invalid(news, data):
    with pytest.raises(InvalidInput, match="Expected `object`"):
        news.create(data)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 300, "source": "x" * 100, "category": "x" * 40, "summary": "x" * 2000},
        {"title": "\xa0 \u200f\U0001f600\ufffe", "source": "~\xa0"},
        {"summary": ""},
        {"summary": "a\tb\r\nc\n\u2028d\u2029 "},
        {"url": "HTTP://user@Example.com:8080/ü?q#f"},
        {"url": "https://[::1]:8080/"},
        {"url": "https://b\u00fccher.example/"},
        {"url": "https://example.com/" + "x" * 2028},
        {"published_at": "0001-01-01T00:00:00Z"},
        {"published_at": "9999-12-31T23:59:59.999999Z"},
    ],
)
def test_create_accepts_values_at_their_limits(news, change):
    item, is_new = news.create(sent(**change))
    assert is_new
    assert news.get(item.id) == item


@pytest.mark.parametrize("field", ["title", "source"])
@pytest.mark.parametrize("character", [*CONTROLS, "\u2028", "\u2029"], ids=ascii)
def test_a_title_or_source_with_a_control_character_is_rejected(news, dao, field, character):
    for text in (f"a{character}b", f"a{character}", character):
        with pytest.raises(InvalidInput, match="must not contain control characters") as error:
            news.create(sent(**{field: text}))
        assert fields_of(error) == [field]
    assert not dao.items


@pytest.mark.parametrize("character", [each for each in CONTROLS if each not in "\t\n\r"], ids=ascii)
def test_a_summary_with_a_control_character_is_rejected(news, character):
    with pytest.raises(InvalidInput, match="must not contain control characters") as error:
        news.create(sent(summary=f"a{character}"))
    assert fields_of(error) == ["summary"]


@pytest.mark.parametrize("character", [*CONTROLS, "\u2028", "\u2029"], ids=ascii)
def test_a_source_filter_with_a_control_character_is_rejected(news, character):
    with pytest.raises(InvalidInput) as error:
        news.parse_query({"source": f"a{character}"})
    assert fields_of(error) == ["source"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1990-12-31T15:59:60-08:00", datetime(1990, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2016-12-31t23:59:60.25z", datetime(2016, 12, 31, 23, 59, 59, 250_000, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123456789Z", datetime(2026, 1, 1, microsecond=123_457, tzinfo=UTC)),
        ("2026-01-01T00:00:00.000000000+00:00", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_leap_second_or_nine_fractional_digits_is_accepted(news, text, moment):
    item, _ = news.create(sent(published_at=text))
    assert item.published_at == moment
    assert news.parse_query({"since": text, "until": text}).filter.since == moment


def test_a_text_that_looks_like_a_leap_second_is_unchanged(news):
    item, _ = news.create(sent(title="2016-12-31T23:59:60Z", source="2016-12-31T23:59:60.0123456789Z"))
    assert (item.title, item.source) == ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60.0123456789Z")
