"""Invalid Redis replies: each bypasses the cache, and none is read by another request."""

import contextlib
import socket
import threading

import pytest

from support.cache_harness import Clock, InstrumentedDao, client_with_item, make_app, x_cache
from support.fake_redis import FakeRedis, bulk
from support.fakes import sent
from support.redis_servers import BINARY, REASON, Valkey

MALFORMED = {
    "nil array": b"*-1\r\n",
    "nil": b"$-1\r\n",
    "status": b"+OK\r\n",
    "integer": b":1\r\n",
    "empty array": b"*0\r\n",
    "short array": b"*1\r\n$1\r\nx\r\n",
    "long array": b"*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
    "array of arrays": b"*2\r\n*1\r\n$1\r\nx\r\n$-1\r\n",
    "array of integers": b"*2\r\n:1\r\n:2\r\n",
    "array with an error": b"*2\r\n-ERR x\r\n$-1\r\n",
    "empty value": b"$0\r\n\r\n",
    "negative array": b"*-7\r\n",
    "array of no length": b"*x\r\n",
    "value of no length": b"$x\r\n",
    "integer of 4,301 digits": b":" + b"9" * 4301 + b"\r\n",
    "nested too deeply": b"*1\r\n" * 100_000 + b":1\r\n",
    "garbage": b"\x00\xff\xfe garbage\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "empty line": b"\r\n",
    "map of RESP3": b"%1\r\n$1\r\na\r\n$1\r\nb\r\n",
    "null of RESP3": b"_\r\n",
    "push of RESP3": b">2\r\n$7\r\nmessage\r\n$1\r\nx\r\n",
    "message": b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n",
    "two replies": b"*2\r\n$-1\r\n$-1\r\n+OK\r\n:1\r\n*-1\r\n",
    "MOVED to nowhere": b"-MOVED\r\n",
    "ASK to nowhere": b"-ASK x y z\r\n",
    "error that is not UTF-8": b"-\xff\xfe\r\n",
    "error of 70,000 bytes": b"-ERR " + b"x" * 70_000 + b"\r\n",
}
TRUNCATED = {"half an array": b"*2\r\n", "half a value": b"*2\r\n$30\r\n190000", "half a line": b"*2"}
ERRORS = [
    b"MOVED 3999 127.0.0.1:6381",
    b"ASK 3999 127.0.0.1:6381",
    b"TRYAGAIN Multiple keys request during rehashing of slot",
    b"CLUSTERDOWN The cluster is down",
    b"CROSSSLOT Keys in request don't hash to the same slot",
    b"LOADING Redis is loading the dataset in memory",
    b"READONLY You can't write against a read only replica.",
    b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    b"NOAUTH Authentication required.",
    b"OOM command not allowed when used memory > 'maxmemory'.",
    b"NOPERM User x has no permissions to run the 'mget' command",
    b"NOREPLICAS Not enough good replicas to write.",
    b"BUSY Redis is busy running a script.",
    b"ERR max number of clients reached",
]
WRONG_NODE_CODES = (b"MOVED", b"CLUSTERDOWN", b"READONLY", b"MASTERDOWN")
WRONG_NODE = [error for error in ERRORS if error.split()[0] in WRONG_NODE_CODES]
COMMANDS = ("MGET", "SET", "DEL")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dao():
    return InstrumentedDao()


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


def change(client, title):
    return client.put(client.item, json=sent(title=title), headers={"If-Match": "*"}).status_code


def write_and_read(client):
    """Read and write, check the responses, and return their X-Cache values."""
    responses = [client.get(url) for url in (client.item, "/news/") * 2]
    assert change(client, "New") == 200
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

    def twice(parts):
        reply = b"*2\r\n" + b"".join(bulk(redis.data.get(key)) for key in parts[1:])
        return reply * 2

    redis.overrides = {"MGET": twice}
    for number in range(5):
        for url in (client.item, other):
            assert client.get(url).json["id"] == url.rpartition("/")[2]
        assert change(client, f"New {number}") == 200
        assert client.get(client.item).json["title"] == f"New {number}"


@pytest.mark.parametrize("error", WRONG_NODE)
def test_after_a_failover_the_client_connects_to_the_new_node(client, redis, error):
    """Open connections stay with the old node. A new connection leads to the new one."""
    old = redis.connections
    redis.overrides = {
        name: lambda _: b"-%b\r\n" % error if redis.connections == old else None for name in COMMANDS
    }
    assert x_cache(client.get(client.item)) == (200, "HIT")
    assert change(client, "New") == 200
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


class Name:
    """A DNS name: new connections go to its current target, open ones stay with the old target."""

    def __init__(self, port):
        self.target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(65536):
                target.sendall(data)


@pytest.mark.skipif(not BINARY, reason=REASON)
def test_a_failover_costs_one_retry_at_most(tmp_path, dao, clock):
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    with Valkey(tmp_path / "old") as old, Valkey(tmp_path / "new") as new:
        name = Name(old.port)
        client = make_app(dao, f"redis://127.0.0.1:{name.port}", clock).test_client()
        client.item = client.post("/news/", json=sent()).headers["Location"]
        clock.seconds += 10
        assert [x_cache(client.get(client.item))[1] for _ in range(2)] == ["MISS", "HIT"]
        with old.client() as redis:
            redis.replicaof("127.0.0.1", new.port)  # it is a replica now and serves no writes
        name.target = new.port
        for number in range(3):
            assert change(client, f"New {number}") == 200
            responses = [client.get(client.item) for _ in range(2)]
            assert [x_cache(response)[1] for response in responses] == ["MISS", "HIT"]
            assert {response.json["title"] for response in responses} == {f"New {number}"}
