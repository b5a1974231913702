"""Item URLs: control and invisible characters, and the normal form of equivalent ones."""

import uuid

import pytest

from news.service import BulkResult
from shared.errors import InvalidInput
from support.fakes import CONTROLS, fields_of, sent, stored

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
    assert news.create_many([sent(url=url), sent(url=stored)]) == BulkResult(0, 2, {})
    assert len(dao.items) == 1


def test_replace_of_an_item_stored_with_an_equivalent_url_keeps_its_id(news, dao):
    old = stored(
        1, id=str(uuid.uuid5(uuid.NAMESPACE_URL, "https://Example.com/1#f")), url="https://Example.com/1#f"
    )
    dao.add(old)
    new = news.replace(old.id, sent(url="https://Example.com/1#f"), {old.revision})
    assert (new.id, new.url) == (old.id, old.url)
