"""Invalid Redis replies: each bypasses the cache, and none is read by another request."""

import pytest

from support.cache_harness import change, client_with_item, make_app, x_cache
from support.fake_redis import FakeRedis, bulk
from support.fakes import sent
from support.redis_replies import COMMANDS, ERRORS, MALFORMED, TRUNCATED, WRONG_NODE


@pytest.fixture
def redis():
    with FakeRedis() as server:
        yield server


@pytest.fixture
def client(dao, redis, clock):
    client = client_with_item(make_app(dao, redis.url, clock), clock)
    for _ in range(2):
        client.get("/news/")
        assert client.get(client.item).headers["X-Cache"] in {"MISS", "HIT"}
    return client


def write_and_read(client):
    """Read and write, check the responses, and return their X-Cache values."""
    responses = [client.get(url) for url in (client.item, "/news/") * 2]
    change(client, "New")
    responses += [client.get(client.item)]
    assert responses[-1].json["title"] == "New"
    assert [response.status_code for response in responses] == [200] * 5
    return {response.headers["X-Cache"] for response in responses}


def has_recovered(client, redis, clock):
    redis.overrides, redis.closes = {}, False
    clock.seconds += 11
    return [x_cache(client.get(client.item))[1] for _ in range(3)][1:] == ["HIT", "HIT"]


@pytest.mark.parametrize("closes", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_reply_is_a_bypass_until_redis_recovers(client, redis, clock, case, closes):
    redis.overrides, redis.closes = dict.fromkeys(COMMANDS, MALFORMED[case]), closes
    assert write_and_read(client) == {"BYPASS"}
    assert has_recovered(client, redis, clock)


@pytest.mark.parametrize("case", TRUNCATED)
def test_a_truncated_reply_is_a_bypass_until_redis_recovers(client, redis, clock, case):
    redis.overrides, redis.closes = dict.fromkeys(COMMANDS, TRUNCATED[case]), True
    assert write_and_read(client) == {"BYPASS"}
    assert has_recovered(client, redis, clock)


@pytest.mark.parametrize("case", ["nil", "status", "integer", "short array", "garbage", "two replies"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_malformed_reply_to_one_command_fails_no_request(client, redis, clock, command, case):
    redis.overrides = {command: MALFORMED[case]}
    write_and_read(client)
    assert has_recovered(client, redis, clock)


@pytest.mark.parametrize("error", ERRORS)
def test_a_server_error_is_a_bypass_until_redis_recovers(client, redis, clock, error):
    redis.overrides = dict.fromkeys(COMMANDS, b"-%b\r\n" % error)
    assert write_and_read(client) == {"BYPASS"}
    assert has_recovered(client, redis, clock)


@pytest.mark.parametrize("case", [case for case, reply in MALFORMED.items() if reply[:1] != b"-"])
def test_one_malformed_reply_costs_one_new_connection(client, redis, case):
    replies = [MALFORMED[case]]
    redis.overrides = {"MGET": lambda _: replies.pop() if replies else None}
    made = redis.connections
    if case != "two replies":
        assert x_cache(client.get(client.item)) == (200, "HIT")
    assert client.get(client.item).status_code == 200
    assert x_cache(client.get(client.item)) == (200, "HIT")
    assert redis.connections == made + 1


@pytest.mark.parametrize(
    "value",
    [
        b"1900000000.000-\xff",
        b"1900000000.0-0123456789abcdef",
        b"nan-0123456789abcdef",
        b"\xff",
        b"x" * 70_000,
    ],
)
def test_a_malformed_generation_is_replaced(client, redis, clock, value):
    (key,) = [key for key in redis.data if key.endswith(b"}:generation")]
    redis.data[key] = value
    responses = [x_cache(client.get(url)) for url in (client.item, "/news/") * 3]
    assert responses == [
        (200, "BYPASS"),
        (200, "MISS"),
        (200, "MISS"),
        (200, "HIT"),
        (200, "HIT"),
        (200, "HIT"),
    ]


def test_an_unsolicited_reply_is_never_read_as_the_reply_to_a_request(client, redis, dao):
    other = client.post("/news/", json=sent(2)).headers["Location"]
    for url in (client.item, other) * 2:
        client.get(url)
    generation = next(value for key, value in redis.data.items() if key.endswith(b"}:generation"))
    entries = [value for key, value in redis.data.items() if b":show:" in key]
    for entry in entries:
        redis.send_unsolicited(b"*2\r\n" + bulk(generation) + bulk(entry))
        for url in (client.item, other):
            response = client.get(url)
            assert x_cache(response) == (200, "HIT")
            assert response.json["id"] == url.rpartition("/")[2]


def test_an_entry_of_another_key_is_a_miss(client, redis):
    other = client.post("/news/", json=sent(2)).headers["Location"]
    for url in (client.item, other):
        client.get(url)
    first, second = [key for key in redis.data if b":show:" in key][-2:]
    redis.data[first], redis.data[second] = redis.data[second], redis.data[first]
    for url in (client.item, other):
        response = client.get(url)
        assert x_cache(response) == (200, "MISS")
        assert response.json["id"] == url.rpartition("/")[2]


def test_a_second_reply_to_one_command_reaches_no_other_request(client, redis):
    other = client.post("/news/", json=sent(2)).headers["Location"]
    for url in (client.item, other) * 2:
        client.get(url)
    redis.overrides = {"MGET": lambda parts: redis.reply("MGET", parts[1:]) * 2}
    for number in range(5):
        for url in (client.item, other):
            assert client.get(url).json["id"] == url.rpartition("/")[2]
        change(client, f"New {number}")
        assert client.get(client.item).json["title"] == f"New {number}"


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "later"])
def test_a_repeated_reply_hides_no_write_of_another_process(client, redis, dao, clock, is_late):
    replies = []

    def reply_to(parts):
        replies.append(redis.reply("MGET", parts[1:]))
        return replies[-1] * (1 if is_late else 2)

    redis.overrides = {"MGET": reply_to}
    assert x_cache(client.get(client.item)) == (200, "HIT")
    redis.overrides = {}
    if is_late:
        redis.send_unsolicited(replies[-1])
    change(make_app(dao, redis.url, clock).test_client(), "New", client.item)
    assert client.get(client.item).json["title"] == "New"


@pytest.mark.parametrize("error", WRONG_NODE)
def test_after_a_failover_the_client_connects_to_the_new_node(client, redis, error):
    """Open connections stay with the old node. A new connection leads to the new one."""
    old = redis.connections
    redis.overrides = {
        name: lambda _: b"-%b\r\n" % error if redis.connections == old else None for name in COMMANDS
    }
    assert x_cache(client.get(client.item)) == (200, "HIT")
    change(client, "New")
    assert [x_cache(client.get(client.item))[1] for _ in range(2)] == ["MISS", "HIT"]
    assert client.get(client.item).json["title"] == "New"
    assert redis.connections == old + 1


@pytest.mark.parametrize("error", WRONG_NODE)
def test_a_wrong_node_costs_two_connections_in_ten_seconds(client, redis, clock, error):
    redis.overrides = dict.fromkeys(COMMANDS, b"-%b\r\n" % error)
    made = redis.connections
    for _ in range(3):
        change(client, "New")
        assert {x_cache(client.get(client.item)) for _ in range(10)} == {(200, "BYPASS")}
        clock.seconds += 10.1
    assert redis.connections <= made + 3 * 2
