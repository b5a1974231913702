"""gzip for cached responses, on a real Valkey."""

import gzip
import json
from random import Random

import pytest

from shared.cache.entry import Generation, decode, encode
from shared.lambda_adapter import make_handler
from shared.web.compression import MAX_BYTES, accepts_gzip, compress, decompress
from support.cache_harness import GENERATION, OLD_GENERATION, make_app, x_cache
from support.event_builders import ENCODERS, Request, parse_response
from support.fakes import sent

GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def app(dao, valkey, clock):
    app = make_app(dao, valkey.url, clock)
    client = app.test_client()
    for number in range(20):
        client.post("/news/", json=sent(number, summary=f"Summary {number} " * 10))
    with valkey.client() as redis:
        redis.set(GENERATION, OLD_GENERATION)
    return app


@pytest.fixture
def client(app):
    return app.test_client()


def test_a_page_is_sent_in_gzip_on_a_miss_and_on_a_hit(client):
    miss, hit, plain = (
        client.get("/news/", headers=GZIP),
        client.get("/news/", headers=GZIP),
        client.get("/news/"),
    )
    assert [x_cache(miss), x_cache(hit), x_cache(plain)] == [(200, "MISS"), (200, "HIT"), (200, "HIT")]
    assert miss.data == hit.data
    assert gzip.decompress(hit.data) == plain.data
    assert len(json.loads(plain.data)["items"]) == 20
    assert len(hit.data) <= 0.3 * len(plain.data)
    for response in (miss, hit):
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Length"] == str(len(hit.data))
        assert response.headers["Content-Type"] == "application/json"
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Content-Length"] == str(len(plain.data))
    assert {response.headers["Vary"] for response in (miss, hit, plain)} == {"Accept-Encoding"}


def test_a_miss_of_a_client_without_gzip_is_stored_in_gzip(client):
    plain, hit = client.get("/news/"), client.get("/news/", headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(hit.data) == plain.data


def test_the_stored_entry_is_small(client, valkey):
    plain = client.get("/news/")
    with valkey.client() as redis:
        [key] = redis.keys("*:index:*")
        assert redis.strlen(key) <= 0.3 * len(plain.data) + 400  # metadata: key, generation, headers


def test_a_small_response_is_not_compressed(client, dao):
    item = f"/news/{next(iter(dao.items))}"
    assert len(client.get(item).data) < 1024
    hit = client.get(item, headers=GZIP)
    assert x_cache(hit) == (200, "HIT")
    assert "Content-Encoding" not in hit.headers
    assert hit.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accept", [{}, GZIP], ids=["plain", "gzip"])
@pytest.mark.parametrize("known", [{}, GZIP], ids=["plain", "gzip"])
@pytest.mark.parametrize("is_hit", [False, True], ids=["miss", "hit"])
def test_if_none_match_names_either_form(client, valkey, accept, known, is_hit):
    tags = {str(form): client.get("/news/", headers=form).headers["ETag"] for form in ({}, GZIP)}
    assert len(set(tags.values())) == 2
    if not is_hit:
        with valkey.client() as redis:
            redis.set(GENERATION, OLD_GENERATION.replace(b"0", b"1"))
    response = client.get("/news/", headers=accept | {"If-None-Match": tags[str(known)]})
    assert x_cache(response) == (304, "HIT" if is_hit else "MISS")
    assert (response.data, response.headers["ETag"]) == (b"", tags[str(accept)])
    assert "Content-Encoding" not in response.headers


def test_head_has_the_headers_of_get(client):
    client.get("/news/")
    get, head = client.get("/news/", headers=GZIP), client.head("/news/", headers=GZIP)
    assert dict(head.headers) == dict(get.headers)
    assert head.data == b""


def test_if_match_accepts_the_etag_of_the_gzip_form(client):
    item = client.post("/news/", json=sent(99, summary="long " * 300)).headers["Location"]
    tag = client.get(item, headers=GZIP).headers["ETag"]
    assert tag != client.get(item).headers["ETag"]
    change = sent(99, title="New")
    assert client.put(item, json=change, headers={"If-Match": tag}).status_code == 200
    assert client.put(item, json=change, headers={"If-Match": tag}).status_code == 412


def replace_body(valkey, body):
    """Store another body in the only page, with a valid checksum, as someone with access to Redis can."""
    with valkey.client() as redis:
        [key] = redis.keys("*:index:*")
        entry = decode(redis.get(key), key.decode(), Generation.parse(redis.get(GENERATION)))
        redis.set(key, encode(entry._replace(body=body)))


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"\x1f\x8b", gzip.compress(b"x" * 100)[:-1]],
    ids=["empty", "no gzip", "cut header", "cut end"],
)
def test_an_invalid_body_bypasses_the_cache(client, valkey, clock, dao, body):
    page = client.get("/news/").data
    replace_body(valkey, body)
    response = client.get("/news/")
    assert (x_cache(response), response.data) == ((200, "BYPASS"), page)
    clock.seconds += 61
    dao.is_down = True
    assert client.get("/news/").status_code == 503


def test_a_body_that_decompresses_to_too_much_is_rejected():
    with pytest.raises(ValueError, match="too large"):
        decompress(gzip.compress(bytes(MAX_BYTES + 1)))
    assert decompress(gzip.compress(bytes(MAX_BYTES))) == bytes(MAX_BYTES)


def test_a_body_that_gzip_does_not_shrink_stays_as_it_is():
    noise = Random(1).randbytes(5000)
    assert compress(noise) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip, deflate, br, zstd", True),
        ("*", True),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("identity;q=0, gzip", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=x", False),
        ("gzipped", False),
        ("x, \x00", False),
    ],
)
def test_accept_encoding_is_negotiated(header, expected):
    assert accepts_gzip(header) is expected


@pytest.mark.parametrize("kind", ENCODERS)
def test_every_event_source_gets_the_page(app, kind):
    request = Request("GET", "/news/", headers=(("Accept-Encoding", "gzip"),))
    handler = make_handler(app)
    for _ in range(2):
        event = handler(ENCODERS[kind](request), None)
        response = parse_response(event)
        headers = response.headers
        is_gzip = kind != "REST API"  # it has no binary bodies, and a compression of its own
        assert event["isBase64Encoded"] is is_gzip
        assert headers.get("content-encoding") == ("gzip" if is_gzip else None)
        body = gzip.decompress(response.body) if is_gzip else response.body
        assert len(json.loads(body)["items"]) == 20
