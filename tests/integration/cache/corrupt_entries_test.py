"""Corrupt and forged entries and generations are replaced, and none is served."""

import json
import pickle
from zlib import crc32

import pytest

from support.cache_harness import GENERATION, TAG, change, write_and_read, x_cache


def corruptions(entry):
    """Return values that may replace an entry."""
    checksum, _, body = entry.split(b"\n")
    return {
        "empty": b"",
        "other data": b"rubbish",
        "no lines": entry.replace(b"\n", b""),
        "truncated": entry[:-1],
        "another body": entry.replace(b"Try", b"Lie"),
        "another time": entry.replace(b'"loaded_at":19', b'"loaded_at":18'),
        "pickle": pickle.dumps(("a", 1)),
        "only a checksum": checksum,
        "no JSON": b"%08x\n" % 0,
        "zeros": bytes(len(entry)),
        "another release": b"8c736521\n{}\n" + body,
        "twice": entry + entry,
    }


CORRUPTIONS = sorted(corruptions(b"\n\n"))


@pytest.mark.parametrize("case", CORRUPTIONS)
def test_a_corrupt_entry_is_a_miss(client, valkey, case):
    change(client, "Try")
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, corruptions(redis.get(key))[case])
    responses = [client.get(client.item) for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "MISS"), (200, "HIT")]
    assert [response.json["title"] for response in responses] == ["Try"] * 2


def forged(entry, **changes):
    """Return a changed entry with a valid checksum."""
    _, metadata, body = entry.split(b"\n", 2)
    text = json.dumps(json.loads(metadata) | changes).encode() + b"\n" + body
    return b"%08x\n" % crc32(text) + text


FORGERIES = {
    "a header": {"headers": [["Set-Cookie", "who=me"]]},
    "another one": {"headers": [["Access-Control-Allow-Origin", "*"]]},
    "a header's end": {"headers": [["ETag", '"1"\r\nSet-Cookie: who=me']]},
    "a control character": {"headers": [["ETag", "\x00"]]},
    "no Latin-1": {"headers": [["ETag", "\u2028"]]},
    "a length": {"headers": [["Content-Length", "3"]]},
    "one header twice": {"headers": [["ETag", '"1"'], ["etag", '"2"']]},
    "headers of no form": {"headers": {"ETag": 1}},
    "another key": {"key": "{news:local:news:news}:show:0"},
    "another generation": {"generation": "1.000-0123456789abcdef"},
    "no time": {"loaded_at": "x"},
    "a time in the future": {"loaded_at": 4e9},
    "a time far in the future": {"loaded_at": 1e308},
    "a time long ago": {"loaded_at": -1e308},
    "a time that is no number": {"loaded_at": float("nan")},
    "endless time": {"loaded_at": float("inf")},
    "a huge integer": {"loaded_at": 10**400},
    "a time to live that is negative": {"ttl": -1},
    "a time to live that is no number": {"ttl": float("nan")},
    "an endless time to live": {"ttl": float("inf")},
}


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forged_entry_is_a_miss(client, valkey, case):
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, forged(redis.get(key), **FORGERIES[case]))
    responses = [client.get(client.item) for _ in range(2)]
    assert [x_cache(response) for response in responses] == [(200, "MISS"), (200, "HIT")]
    assert "Set-Cookie" not in responses[1].headers


@pytest.mark.parametrize("ttl", [61, 1e9, 1e308, 10**15])
def test_an_entry_is_served_for_a_minute_whatever_is_stored(client, valkey, clock, ttl):
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, forged(redis.get(key), ttl=ttl))
    clock.seconds += 55
    assert x_cache(client.get(client.item)) == (200, "HIT")
    clock.seconds += 6
    assert x_cache(client.get(client.item)) == (200, "MISS")


def test_content_length_is_the_length_of_the_stored_body(client, valkey):
    client.get(client.item)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:show:*")
        redis.set(key, forged(redis.get(key)[:-5]))
    response = client.get(client.item)
    assert x_cache(response) == (200, "HIT")
    assert int(response.headers["Content-Length"]) == len(response.data)


def test_an_entry_of_another_type_is_a_miss(client, valkey, url):
    client.get(url)
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:*:*")
        redis.delete(key)
        redis.rpush(key, "x")
    assert [x_cache(client.get(url))[1] for _ in range(2)] == ["MISS", "HIT"]


@pytest.mark.parametrize("value", [b"", b"x", b"-", b"1-", b"\xff\xfe", None])
def test_a_corrupt_generation_is_replaced_by_a_write(client, valkey, url, value):
    client.get(url)
    with valkey.client() as redis:
        redis.delete(GENERATION)
        redis.rpush(GENERATION, "x") if value is None else redis.set(GENERATION, value)
    assert "HIT" in write_and_read(client, client.item, times=1)
    assert client.get(url).status_code == 200


def test_a_corrupt_generation_is_replaced_without_a_write(client, valkey, url):
    with valkey.client() as redis:
        redis.set(GENERATION, "x")
    assert [x_cache(client.get(url))[1] for _ in range(3)] == ["BYPASS", "MISS", "HIT"]
