"""The entity tags of items, and If-Match."""

import pytest

from support.controller_harness import assert_problem, url_of
from support.fakes import etag, sent


def test_a_recreated_item_has_a_new_etag(client, item):
    client.delete(url_of(item))
    again = client.post("/news/", json=sent())
    assert again.json["id"] == item["id"]
    assert again.headers["ETag"] != etag(item)
    assert_problem(client.put(url_of(item), json=sent(), headers={"If-Match": etag(item)}), 412)
    assert_problem(client.delete(url_of(item), headers={"If-Match": etag(item)}), 412)
    assert client.get(url_of(item), headers={"If-None-Match": etag(item)}).json == again.json


@pytest.mark.parametrize(
    "tags", ["{}", "*", " *\t", '"7", {}', '{},W/"2"', ',, {}\t,\t"," ,', "W/{0}, {0}", '"W/",{}', '"*", {}']
)
def test_if_match_with_the_etag_succeeds(client, item, tags):
    response = client.put(url_of(item), json=sent(), headers={"If-Match": tags.format(etag(item))})
    assert response.status_code == 200
    headers = {"If-Match": tags.format(response.headers["ETag"])}
    assert client.delete(url_of(item), headers=headers).status_code == 204


@pytest.mark.parametrize(
    "tags",
    [
        "W/{}",
        '"1"',
        '"2"',
        'W/"1"',
        '"x"',
        '""',
        '"*"',
        '"W/*"',
        '"-1"',
        '"١"',
        '"a,b", "c\\d"',
        '"' + "9" * 999 + '"',
    ],
)
def test_if_match_with_other_etags_returns_412(client, item, tags):
    headers = {"If-Match": tags.format(etag(item)).encode().decode("latin-1")}
    assert_problem(client.put(url_of(item), json=sent(), headers=headers), 412)
    assert_problem(client.delete(url_of(item), headers=headers), 412)
    assert client.get(url_of(item)).json == item


@pytest.mark.parametrize(
    "tags",
    [
        "1",
        "{unquoted}",
        '{unquoted}"',
        '"{unquoted}',
        "'{unquoted}'",
        "{}, {unquoted}",
        "{unquoted}, {}",
        "{} {}",
        "{}{}",
        "{};",
        "w/{}",
        "W/ {}",
        "W/",
        "W/*",
        "*, {}",
        "{}, *",
        "**",
        "",
        " ",
        ",",
        '"',
        '"""',
        '"a b"',
        '"a\tb"',
        '"a\x7fb"',
        '"\x00"',
        "null",
        '"a",' * 1000 + "b",
        ", " * 2000 + "b",
    ],
)
def test_a_malformed_if_match_returns_400(client, item, tags):
    tag = etag(item)
    headers = {"If-Match": tags.format(*[tag] * 2, unquoted=tag.strip('"'))}
    assert_problem(client.put(url_of(item), json=sent(), headers=headers), 400, "If-Match")
    assert_problem(client.delete(url_of(item), headers=headers), 400, "If-Match")
    assert client.get(url_of(item)).json == item


def test_replace_without_if_match_returns_428(client, item):
    assert_problem(client.put(url_of(item), json=sent()), 428)
