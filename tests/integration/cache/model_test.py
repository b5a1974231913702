"""Stateful test: after any sequence of operations and faults, every response matches a dictionary."""

from uuid import NAMESPACE_URL, uuid5

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.cache_harness import Clock, InstrumentedDao, make_app
from support.fakes import etag, sent
from support.fault_proxy import FaultProxy

NUMBERS = st.integers(1, 3)
CATEGORIES = st.sampled_from(["science", "world"])
LISTS = st.sampled_from(["", "?category=science", "?category=world&limit=1", "?source=example.com"])
ALL_OR_ONE = st.booleans()


class CacheMachine(RuleBasedStateMachine):
    """Two processes with one database and one Redis, each behind its own proxy, and a dictionary as model."""

    valkey = None
    shards = 1

    @initialize()
    def start(self):
        with self.valkey.client() as redis:
            redis.flushall()
        self.clock, self.dao, self.truth = Clock(), InstrumentedDao(), {}
        self.proxies = [FaultProxy(self.valkey.port) for _ in range(2)]
        self.clients = [
            make_app(
                self.dao, f"redis://127.0.0.1:{proxy.port}", self.clock, cache_shards=self.shards
            ).test_client()
            for proxy in self.proxies
        ]
        self.client, self.proxy = self.clients[0], self.proxies[0]
        self.tags = {}

    def teardown(self):
        for proxy in getattr(self, "proxies", ()):
            proxy.__exit__()

    @rule(number=st.integers(0, 1))
    def switch_process(self, number):
        """Switch unless an invalidation is pending: stale data is allowed then and has its own tests."""
        if not self.has_pending_invalidation():
            self.client, self.proxy = self.clients[number], self.proxies[number]

    def has_pending_invalidation(self):
        return any(client.application.extensions["cache"]._pending_invalidations for client in self.clients)

    @rule(number=NUMBERS, category=CATEGORIES)
    def create(self, number, category):
        self.clock.seconds += 0.001  # at the same time it would be a repeated create
        item = sent(number, category=category, published_at=f"2026-01-01T00:00:0{number}Z")
        response = self.client.post("/news/", json=item)
        known = self.truth.get(number)
        if self.dao.is_down:
            assert response.status_code == 503
        elif known is None:
            assert response.status_code == 201
            self.truth[number] = response.json
        else:
            assert response.status_code in (200, 409)

    @rule(number=NUMBERS, category=CATEGORIES, title=st.text("ab", min_size=1, max_size=2))
    def replace(self, number, category, title):
        known = self.truth.get(number)
        match = {"If-Match": etag(known) if known else "*"}
        item = sent(number, category=category, title=title, published_at=f"2026-01-01T00:00:0{number}Z")
        response = self.client.put(path(number), json=item, headers=match)
        assert response.status_code == (503 if self.dao.is_down else 200 if known else 404)
        if response.status_code == 200:
            assert response.json["version"] == known["version"] + 1
            self.truth[number] = response.json

    @rule(number=NUMBERS)
    def delete(self, number):
        response = self.client.delete(path(number))
        assert response.status_code == (503 if self.dao.is_down else 204 if number in self.truth else 404)
        if response.status_code == 204:
            del self.truth[number]

    @rule(number=NUMBERS)
    def read(self, number):
        self.check(self.client.get(path(number)), self.truth.get(number))

    @rule(query=LISTS)
    def read_list(self, query):
        items = sorted(self.truth.values(), key=lambda item: item["published_at"], reverse=True)
        items = [item for item in items if f"category={item['category']}" in query or "cat" not in query]
        response = self.client.get(f"/news/{query}")
        if response.status_code == 200:
            response.json["next_cursor"] = None
        if "limit=1" in query:
            items = items[:1]
        self.check(response, items, lambda page: page["items"])

    @rule(query=LISTS)
    def read_conditionally(self, query):
        """Read conditionally: 304 means that the response is unchanged."""
        if self.dao.is_down:
            return
        first = self.client.get(f"/news/{query}")
        again = self.client.get(f"/news/{query}", headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304
        old_tag, old = self.tags.get(query, ('"none"', None))
        now = self.client.get(f"/news/{query}", headers={"If-None-Match": old_tag})
        assert (now.status_code == 304) == (first.json == old)
        self.tags[query] = (first.headers["ETag"], first.json)

    def check(self, response, expected, part=lambda body: body):
        if response.status_code == 503:
            assert self.dao.is_down
        elif expected is None:
            assert response.status_code == 404
        else:
            assert part(response.json) == expected

    @rule(generation=st.booleans(), everything=st.booleans())
    def evict(self, generation, everything):
        with self.valkey.client() as redis:
            if everything:
                redis.flushall()
            else:
                keys = [key for key in redis.scan_iter() if key.endswith(b":generation") == generation]
                redis.delete(*sorted(keys)[:1] or [b"none"])

    @rule(seconds=st.sampled_from([0.5, 1.5, 3, 58, 61, 300, 700]))
    def expire(self, seconds):
        self.clock.seconds += seconds

    @rule(data=st.sampled_from([b"", b"rubbish", b"8c736521\n{}\nx"]))
    def damage(self, data):
        with self.valkey.client() as redis:
            for key in redis.keys()[:1]:
                redis.set(key, data)

    @precondition(lambda self: self.proxy.mode == "pass")
    @rule(fault=st.sampled_from(["refuse", "cut"]))
    def break_redis(self, fault):
        self.proxy.set(fault)

    @precondition(lambda self: self.proxy.mode == "pass")
    @rule()
    def close_connections(self):
        with self.valkey.client() as redis:
            redis.client_kill_filter(_type="normal", skipme=True)

    @precondition(lambda self: self.proxy.mode != "pass")
    @rule()
    def restore_redis(self):
        self.proxy.set("pass")

    @rule()
    def toggle_database(self):
        self.dao.is_down = not self.dao.is_down


def path(number):
    return f"/news/{uuid5(NAMESPACE_URL, sent(number)['url'])}"


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
@pytest.mark.parametrize("shards", [1, 4])
def test_every_response_matches_the_model(valkey, shards):
    class OnThisServer(CacheMachine):
        pass

    OnThisServer.valkey, OnThisServer.shards = valkey, shards
    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
