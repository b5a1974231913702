"""Tests of the news service, with a fake DAO."""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from news.service import NewsService
from shared.errors import Conflict, InvalidInput, NotFound, Stale
from shared.web.requests import AnyRevision
from support.fakes import START, FakeDao, RetryingDao, clock, sent, stored


@pytest.fixture
def dao():
    return FakeDao()


@pytest.fixture
def news(dao):
    return NewsService(dao, now=clock())


def lose_race(*_):
    raise Stale("changed concurrently")


def fields_of(error):
    return [field_error.field for field_error in error.value.errors]


def test_create_stores_the_item_with_the_fields_of_the_service(news, dao):
    item, is_new = news.create(sent(summary="short"))
    assert is_new
    assert dao.items == {item.id: item}
    assert item.id == str(uuid.uuid5(uuid.NAMESPACE_URL, "https://example.com/1"))
    assert item.published_at == item.created_at == item.updated_at == START
    assert (item.version, item.summary) == (1, "short")


def test_create_of_an_existing_item_changes_nothing(news, dao):
    first, _ = news.create(sent())
    again, is_new = news.create(sent())
    assert (again, is_new) == (first, False)
    assert dao.items == {first.id: first}


def test_create_of_the_same_item_published_in_another_time_zone_changes_nothing(news):
    first, _ = news.create(sent(published_at="2026-01-01T12:00:00Z"))
    again, is_new = news.create(sent(published_at="2026-01-01T14:00:00+02:00"))
    assert (again, is_new) == (first, False)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "B"},
        {"source": "b"},
        {"category": "b"},
        {"summary": "b"},
        {"published_at": "2026-02-01T00:00:00Z"},
    ],
)
def test_create_with_the_url_of_another_item_is_a_conflict(news, change):
    news.create(sent())
    with pytest.raises(Conflict, match="A different item with this url exists"):
        news.create(sent(**change))


def test_create_that_conflicts_with_its_own_retry_succeeds():
    item, is_new = NewsService(RetryingDao(), now=clock()).create(sent())
    assert is_new
    assert item.created_at == START


def test_create_is_a_conflict_if_the_other_item_is_deleted_meanwhile(news, dao):
    news.create(sent())
    dao.find = lambda _: None
    with pytest.raises(Conflict):
        news.create(sent())


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


CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))]


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


SPACES = "\x20\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH = "\u180e\u200b\u2060\ufeff"


@pytest.mark.parametrize("character", [*CONTROLS, *SPACES, *BIDI, *ZERO_WIDTH], ids=ascii)
@pytest.mark.parametrize(
    "form",
    ["https://example.com/a{}b", "https://example.com/{}", "https://a{}b.example/", "{}https://a.example/"],
)
def test_a_url_with_a_space_or_invisible_character_is_rejected(news, dao, character, form):
    with pytest.raises(InvalidInput) as error:
        news.create(sent(url=form.format(character)))
    assert fields_of(error) == ["url"]
    assert not dao.items


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e",
        "\u0d28\u0d4d\u200d",
        "\U0001fae8",
        "\U00031350",
        "\U0001faea",  # of Unicode 17: unassigned to every Python before 3.15
        "\u0378",  # unassigned
        "\u0627\u0301\ufe0f",
        "\U0001f469\u200d\U0001f680",
    ],
    ids=ascii,
)
def test_a_url_with_joiners_or_new_characters_is_accepted_unchanged(news, text):
    item, _ = news.create(sent(url=f"https://news.example/{text}"))
    assert item.url == f"https://news.example/{text}"
    assert news.get(item.id) == item


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("HTTPS://Example.COM/Path?Query", "https://example.com/Path?Query"),
        ("https://example.com:443/", "https://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:0443/", "https://example.com/"),
        ("https://example.com:/", "https://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("https://example.com:08080/", "https://example.com:8080/"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com?q", "https://example.com/?q"),
        ("https://example.com#top", "https://example.com/"),
        ("https://example.com/a?#", "https://example.com/a?"),
        ("https://example.com/a#b?c#d", "https://example.com/a"),
        ("https://User:Pass@Example.com:443/", "https://User:Pass@example.com/"),
        ("https://a@b@Example.com/", "https://a@b@example.com/"),
        ("https://[2001:DB8::1]:443/A", "https://[2001:db8::1]/A"),
        ("https://[::1]/", "https://[::1]/"),
        ("https://B\u00dcCHER.example/\u00dc", "https://b\u00fccher.example/\u00dc"),
        ("https://example.com/%7euser/%2F/../.", "https://example.com/%7euser/%2F/../."),
        ("https://example.com//a:443", "https://example.com//a:443"),
        ("https://example.com/?at=a@B:80", "https://example.com/?at=a@B:80"),
    ],
)
def test_equivalent_urls_are_one_item_with_the_normalized_url(news, dao, url, stored):
    first, is_new = news.create(sent(url=url))
    assert (first.url, is_new) == (stored, True)
    assert first.id == str(uuid.uuid5(uuid.NAMESPACE_URL, stored))
    assert news.create(sent(url=stored)) == (first, False)
    assert news.replace(first.id, sent(url=url), {first.revision}).url == stored
    assert news.create_many([sent(url=url), sent(url=stored)]) == (0, 2, {})
    assert len(dao.items) == 1


def test_replace_of_an_item_stored_with_an_equivalent_url_keeps_its_id(news, dao):
    old = stored(
        1, id=str(uuid.uuid5(uuid.NAMESPACE_URL, "https://Example.com/1#f")), url="https://Example.com/1#f"
    )
    dao.add(old)
    new = news.replace(old.id, sent(url="https://Example.com/1#f"), {old.revision})
    assert (new.id, new.url) == (old.id, old.url)


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


@pytest.mark.parametrize("news_id", ["", "x", "0" * 36, "00000000-0000-5000-8000-000000000001"])
def test_get_of_a_missing_item_is_not_found(news, news_id):
    with pytest.raises(NotFound):
        news.get(news_id)


def test_replace_sets_a_new_version_and_keeps_fixed_fields(news, dao):
    first, _ = news.create(sent(summary="old"))
    second = news.replace(first.id, sent(title="New"), {first.revision})
    assert dao.items == {first.id: second}
    assert (second.version, second.title, second.summary) == (2, "New", None)
    assert (second.url, second.created_at) == (first.url, first.created_at)
    assert second.updated_at > first.updated_at


def test_replace_without_published_at_sets_the_time_of_creation(news):
    first, _ = news.create(sent(published_at="2020-01-01T00:00:00Z"))
    assert news.replace(first.id, sent(), {first.revision}).published_at == first.created_at


def test_replace_accepts_a_missing_url(news):
    first, _ = news.create(sent())
    data = sent()
    del data["url"]
    assert news.replace(first.id, data, {first.revision}).url == first.url


@pytest.mark.parametrize(
    ("change", "field"), [({"url": "https://b.c/"}, "url"), ({"url": None}, "url"), ({"x": 1}, "x")]
)
def test_replace_with_an_invalid_field_with_if_match(news, change, field):
    first, _ = news.create(sent())
    with pytest.raises(InvalidInput) as error:
        news.replace(first.id, sent(**change), {first.revision})
    assert fields_of(error) == [field]


def test_replace_of_another_version_is_stale(news):
    first, _ = news.create(sent())
    news.replace(first.id, sent(), {first.revision})
    with pytest.raises(Stale):
        news.replace(first.id, sent(), {first.revision})
    with pytest.raises(Stale):
        news.replace(first.id, sent(), set())


def test_a_recreated_item_has_a_new_revision(news, dao):
    first, _ = news.create(sent())
    news.delete(first.id)
    again, _ = news.create(sent())
    assert (again.id, again.version) == (first.id, first.version)
    assert again.revision != first.revision
    with pytest.raises(Stale):
        news.replace(first.id, sent(title="New"), {first.revision})
    with pytest.raises(Stale):
        news.delete(first.id, {first.revision})
    assert dao.items == {again.id: again}


def test_an_item_recreated_between_read_and_write_is_not_overwritten(news, dao):
    first, _ = news.create(sent())
    again = msgspec.structs.replace(first, created_at=first.created_at + timedelta(seconds=1), title="Again")
    find = dao.find

    def find_and_create_again(news_id):
        item, dao.items[news_id] = find(news_id), again
        return item

    for change in (
        lambda: news.replace(first.id, sent(), AnyRevision()),
        lambda: news.delete(first.id, AnyRevision()),
    ):
        dao.items[first.id], dao.find = first, find_and_create_again
        with pytest.raises(Stale):
            change()
        assert dao.items == {first.id: again}


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_ids_match_in_upper_and_lower_case(news, dao, change):
    first, _ = news.create(sent())
    assert news.get(change(first.id)) == first
    second = news.replace(change(first.id), sent(title="New"), {first.revision})
    assert dao.items == {first.id: second}
    news.delete(change(first.id), {second.revision})
    assert not dao.items


def test_replace_that_loses_a_race_is_stale(news, dao):
    first, _ = news.create(sent())
    dao.replace = lose_race
    with pytest.raises(Stale):
        news.replace(first.id, sent(), {first.revision})


def test_replace_that_conflicts_with_its_own_retry_succeeds():
    news = NewsService(RetryingDao(), now=clock())
    first, _ = news.create(sent())
    assert news.replace(first.id, sent(title="New"), {first.revision}) == news.get(first.id)


def test_replace_of_a_missing_item_is_not_found(news):
    with pytest.raises(NotFound):
        news.replace("00000000-0000-5000-8000-000000000001", sent(), AnyRevision())


@pytest.mark.parametrize("with_if_match", [False, True])
def test_delete_removes_the_item(news, dao, with_if_match):
    item, _ = news.create(sent())
    expected = {item.revision} if with_if_match else None
    news.delete(item.id, expected)
    assert not dao.items
    with pytest.raises(NotFound):
        news.delete(item.id, expected)


def test_delete_of_another_version_is_stale(news, dao):
    item, _ = news.create(sent())
    with pytest.raises(Stale):
        news.delete(item.id, {f"2{item.revision[1:]}"})
    assert dao.items


def test_delete_that_loses_a_race_to_a_change_is_stale(news, dao):
    item, _ = news.create(sent())
    dao.delete = lose_race
    with pytest.raises(Stale):
        news.delete(item.id, {item.revision})


def test_delete_that_conflicts_with_its_own_retry_succeeds():
    news = NewsService(RetryingDao(), now=clock())
    item, _ = news.create(sent())
    news.delete(item.id, {item.revision})
    with pytest.raises(NotFound):
        news.get(item.id)


def test_create_many_counts_created_existing_and_rejected_items(news, dao):
    news.create(sent(1))
    result = news.create_many([sent(1), sent(2), sent(2, title="B"), sent(3, title=""), 5, sent(4)])
    assert (result.created, result.existing) == (2, 2)
    assert result.rejected.keys() == {3, 4}
    assert "title" in result.rejected[3]
    assert sorted(item.url[-1] for item in dao.items.values()) == ["1", "2", "4"]
    assert {item.title for item in dao.items.values()} == {"Title 1", "Title 2", "Title 4"}


def test_create_many_of_nothing_does_nothing(news):
    assert news.create_many([]) == (0, 0, {})


def every_page(news, **parameters):
    numbers, cursor = [], None
    while True:
        page = news.page(news.parse_query(parameters | ({"cursor": cursor} if cursor else {})))
        numbers += [int(item.url.rpartition("/")[2]) for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return numbers


@pytest.fixture
def ten(news):
    """A service with ten items, published a day apart, in two categories and three sources."""
    for n in range(10):
        moment = START + timedelta(days=n)
        news.create(
            sent(
                n,
                category=f"c{n % 2}",
                source=f"s{n % 3}",
                published_at=moment.isoformat().replace("+00:00", "Z"),
            )
        )
    return news


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"category": "c1"}, [9, 7, 5, 3, 1]),
        ({"source": "s0"}, [9, 6, 3, 0]),
        ({"category": "c0", "source": "s0"}, [6, 0]),
        ({"since": "2026-01-04T00:00:00Z"}, [9, 8, 7, 6, 5, 4, 3]),
        ({"until": "2026-01-04T00:00:00Z"}, [2, 1, 0]),
        ({"since": "2026-01-04T01:00:00+01:00", "until": "2026-01-06T00:00:00.000001Z"}, [5, 4, 3]),
        ({"since": "2026-01-04T00:00:00Z", "until": "2026-01-04T00:00:00Z"}, []),
        ({"category": "none"}, []),
    ],
)
@pytest.mark.parametrize("limit", ["1", "3", "100"])
def test_pages_contain_matching_items_newest_first(ten, parameters, expected, limit):
    assert every_page(ten, limit=limit, **parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "1000"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "+1"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "١٢"}, "limit"),
        ({"limit": "5\n"}, "limit"),
        ({"limit": "1.0"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"category": ""}, "category"),
        ({"category": "a b"}, "category"),
        ({"source": ""}, "source"),
        ({"source": "a\r\nb"}, "source"),
        ({"source": "x" * 101}, "source"),
        ({"category": "science\n"}, "category"),
        ({"since": "today"}, "since"),
        ({"since": "2026-01-01T00:00:00.0123456789Z"}, "since"),
        ({"until": "2026-01-01T00:00:61Z"}, "until"),
        ({"since": "2026-01-01"}, "since"),
        ({"since": "0001-01-01T00:00:00+01:00"}, "since"),
        ({"until": "9999-12-31T23:59:59-01:00"}, "until"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "x"}, "cursor"),
        ({"page": "2"}, "page"),
    ],
)
def test_an_invalid_parameter_is_named(news, parameters, field):
    with pytest.raises(InvalidInput) as error:
        news.parse_query(parameters)
    assert fields_of(error) == [field]


def test_equivalent_queries_are_equal(news):
    first = news.parse_query({"since": "2026-01-01T00:00:00Z", "limit": "20"})
    assert first == news.parse_query({"since": "2026-01-01T02:00:00+02:00"})
    assert first.filter.since == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_cursor_of_other_filters_is_rejected(ten):
    cursor = ten.page(ten.parse_query({"category": "c0", "limit": "1"})).next_cursor
    ten.parse_query({"category": "c0", "cursor": cursor, "limit": "7"})
    with pytest.raises(InvalidInput, match="other filters"):
        ten.parse_query({"category": "c1", "cursor": cursor})
