"""After a failover, the client connects to the new node."""

import contextlib
import socket
import threading

import pytest

from support.cache_harness import change, client_with_item, make_app, x_cache
from support.redis_servers import BINARY, REASON, Valkey


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
        client = client_with_item(make_app(dao, f"redis://127.0.0.1:{name.port}", clock), clock)
        assert [x_cache(client.get(client.item))[1] for _ in range(2)] == ["MISS", "HIT"]
        with old.client() as redis:
            redis.replicaof("127.0.0.1", new.port)  # it is a replica now and serves no writes
        name.target = new.port
        for number in range(3):
            change(client, f"New {number}")
            responses = [client.get(client.item) for _ in range(2)]
            assert [x_cache(response)[1] for response in responses] == ["MISS", "HIT"]
            assert {response.json["title"] for response in responses} == {f"New {number}"}
