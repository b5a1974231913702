"""A fake Redis that speaks RESP2, stores keys in a dictionary, and can send any bytes as a reply."""

import contextlib
import socket
import threading


class FakeRedis:
    """A fake Redis on its own port. It ignores the commands that are left when a connection is closed.

    Attributes:
        overrides: replies by command name: bytes, or a function of the command's parts that returns bytes or
            None.
        closes: close the connection after an overridden reply.
        connections: number of accepted connections.
        commands: names of the received commands.
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

    def send_unsolicited(self, data):
        """Send data to every client."""
        for client in self._open:
            with contextlib.suppress(OSError):
                client.sendall(data)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as Redis does
                self.connections += 1
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, client.makefile("rb") as file, contextlib.suppress(OSError, ValueError):
            while (head := file.readline()) and not self._is_closed(client):
                parts = [self._part(file) for _ in range(int(head[1:]))]
                name = parts[0].decode()
                self.commands.append(name)
                override = self.overrides.get(name)
                reply = override(parts) if callable(override) else override
                client.sendall(self.reply(name, parts[1:]) if reply is None else reply)
                if reply is not None and self.closes:
                    client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _is_closed(client):
        with contextlib.suppress(BlockingIOError):
            return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return False

    @staticmethod
    def _part(file):
        part = file.read(int(file.readline()[1:]))
        file.read(2)
        return part

    def reply(self, name, arguments):
        """Execute a command and return the reply."""
        if name == "MGET":
            return b"*%d\r\n" % len(arguments) + b"".join(bulk(self.data.get(key)) for key in arguments)
        if name == "SET":
            key, value, *options = arguments
            if b"NX" in options and key in self.data:
                return bulk(None)
            self.data[key] = value
        if name == "INCR":
            self.data[arguments[0]] = b"%d" % (int(self.data.get(arguments[0], 0)) + 1)
            return b":%b\r\n" % self.data[arguments[0]]
        if name == "DEL":
            return b":%d\r\n" % sum(self.data.pop(key, None) is not None for key in arguments)
        return b"+PONG\r\n" if name == "PING" else b"+OK\r\n"


def bulk(value):
    """Return a RESP2 bulk string."""
    return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
