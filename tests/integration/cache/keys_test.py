"""Keys and entries in Redis: their names, slot, format and expiry, and the round trips of a hit."""

import os

import pytest

from shared.observability.metrics import NAMESPACE
from support.cache_harness import GENERATION, OLD_GENERATION, TAG, InstrumentedDao, make_app, x_cache
from support.environment import CLEAN
from support.fakes import sent
from support.fault_proxy import FaultProxy
from support.python_script import output_of
from tools.local.tables import LOCAL_NAMES


@pytest.mark.parametrize(
    "other", [{"stage": "prod"}, {"tables": {"news": "other-news"}}], ids=["stage", "table"]
)
def test_another_service_on_the_same_redis_shares_neither_entries_nor_invalidations(
    client, valkey, clock, other
):
    client.get("/news/")
    second = make_app(InstrumentedDao(), valkey.url, clock, **other).test_client()
    assert second.get("/news/").json["items"] == []
    assert second.post("/news/", json=sent(2)).status_code == 201
    assert x_cache(client.get("/news/")) == (200, "HIT")
    assert len(client.get("/news/").json["items"]) == 1


def test_every_key_names_project_stage_module_and_table(client, keys):
    client.get("/news/")
    assert {key.partition("}")[0] for key in keys()} == {f"{{{NAMESPACE}:local:news:news"}


def test_every_key_is_in_one_slot_of_a_cluster(client, keys):
    client.get("/news/")
    client.get(client.item)
    assert len(keys()) == 3
    assert all(key.startswith(f"{TAG}:") for key in keys())


def test_an_entry_is_json_with_a_body_and_expires_after_ten_minutes(client, valkey):
    whole = client.get("/news/")
    with valkey.client() as redis:
        (key,) = redis.keys(f"{TAG}:index:*")
        checksum, metadata, body = redis.get(key).split(b"\n")
        assert 0 < redis.pttl(key) <= 600_000
        assert redis.pttl(GENERATION) == -1
    assert body == whole.data
    assert metadata.startswith(b'{"key":"' + key)
    assert len(checksum) == 8


def test_a_hit_makes_one_round_trip(dao, valkey, clock):
    with FaultProxy(valkey.port) as proxy, valkey.client() as redis:
        client = make_app(dao, f"redis://127.0.0.1:{proxy.port}", clock).test_client()
        client.get("/news/")
        before = proxy.round_trips
        redis.config_resetstat()
        assert x_cache(client.get("/news/")) == (200, "HIT")
        assert proxy.round_trips == before + 1
        calls = {name: stats["calls"] for name, stats in redis.info("commandstats").items()}
        assert {name: count for name, count in calls.items() if "config" not in name} == {"cmdstat_mget": 1}


def test_a_hit_in_a_new_process_makes_one_round_trip_and_imports_no_aws_sdk(dao, valkey):
    script = """if True:
        import sys
        from functions.wsgi import app
        response = app.test_client().get("/news/")
        sdk = [name for name in sys.modules if name.startswith(("boto", "pynamo"))]
        print(response.headers["X-Cache"], sdk)
    """
    with valkey.client() as redis:
        redis.set(GENERATION, OLD_GENERATION)
    make_app(dao, valkey.url).test_client().get("/news/")
    with FaultProxy(valkey.port) as proxy:
        env = CLEAN | LOCAL_NAMES | {"STAGE": "local", "AWS_REGION": "us-east-1"}
        env |= {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}/0", "PATH": os.environ["PATH"]}
        assert output_of(script, env).strip() == "HIT []"
        assert proxy.round_trips == 1
