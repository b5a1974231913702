"""A write invalidates every shard of a module."""

from support.cache_harness import InstrumentedDao, make_app, x_cache
from support.fakes import sent


def test_a_write_changes_the_generation_of_every_shard(valkey, clock):
    app = make_app(InstrumentedDao(), valkey.url, clock, cache_shards=4)
    client = app.test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    clock.seconds += 10
    pages = [f"/news/?limit={limit}" for limit in range(1, 41)]
    for page in pages:
        client.get(page)
    assert [x_cache(client.get(page)) for page in pages] == [(200, "HIT")] * len(pages)
    with valkey.client() as redis:
        keys = redis.keys("*:generation")
        assert len({key[: key.index(b"}")] for key in redis.scan_iter()}) == len(keys) == 4
        before = redis.mget(keys)
        client.put(item, json=sent(title="New"), headers={"If-Match": "*"})
        assert set(before).isdisjoint(redis.mget(keys))
    assert [x_cache(client.get(page)) for page in pages] == [(200, "MISS")] * len(pages)


def test_an_invalidation_that_one_shard_refuses_is_retried(valkey, clock):
    app = make_app(InstrumentedDao(), valkey.url, clock, cache_shards=4)
    client = app.test_client()
    item = client.post("/news/", json=sent()).headers["Location"]
    client.get("/news/")
    with valkey.client() as redis:
        try:
            allowed = [f"~*:{shard}}}*" for shard in range(3)]
            redis.execute_command("ACL", "SETUSER", "default", "resetkeys", *allowed)
            client.put(item, json=sent(title="New"), headers={"If-Match": "*"})
            pages = [client.get(f"/news/?limit={limit}") for limit in range(1, 21)]
        finally:
            redis.execute_command("ACL", "SETUSER", "default", "allkeys")
    assert [x_cache(page) for page in pages] == [(200, "BYPASS")] * len(pages)
    assert x_cache(client.get("/news/")) == (200, "MISS")
    assert client.get("/news/").json["items"][0]["title"] == "New"
