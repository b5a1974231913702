"""A server that speaks RESP2 and keeps a dictionary, and replies to some commands with given bytes."""

import contextlib
import socket
import threading


class FakeRedis:
    """Listens on a port of its own.

    Attributes:
        overrides: bytes, or a function of a command's parts that returns them or None, by a command's name.
        closes: whether a connection is closed after such a reply.
        connections: how many were made.
        commands: the names of the commands that came.
    """

    def __init__(self):
        self.data, self.overrides, self.closes = {}, {}, False
        self.connections, self.commands = 0, []
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()

    def close_connections(self):
        for client in self._open:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def send_unasked(self, data):
        """To everybody."""
        for client in self._open:
            with contextlib.suppress(OSError):
                client.sendall(data)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as file, contextlib.suppress(OSError, ValueError):
            while head := file.readline():
                parts = [self._part(file) for _ in range(int(head[1:]))]
                name = parts[0].decode()
                self.commands.append(name)
                override = self.overrides.get(name)
                reply = override(parts) if callable(override) else override
                client.sendall(self._reply(name, parts[1:]) if reply is None else reply)
                if reply is not None and self.closes:
                    client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _part(file):
        part = file.read(int(file.readline()[1:]))
        file.read(2)
        return part

    def _reply(self, name, arguments):
        if name == "MGET":
            return b"*%d\r\n" % len(arguments) + b"".join(bulk(self.data.get(key)) for key in arguments)
        if name == "SET":
            key, value, *options = arguments
            if b"NX" in options and key in self.data:
                return bulk(None)
            self.data[key] = value
        if name == "DEL":
            return b":%d\r\n" % sum(self.data.pop(key, None) is not None for key in arguments)
        return b"+PONG\r\n" if name == "PING" else b"+OK\r\n"


def bulk(value):
    """A value, or none, as RESP2 writes it."""
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
