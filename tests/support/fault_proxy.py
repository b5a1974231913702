"""A TCP proxy that injects network faults between a client and Redis."""

import contextlib
import select
import socket
import ssl
import threading
import time
from typing import Self

TICK = 0.02


class FaultProxy:
    """A proxy on its own port. `round_trips` counts the packets from clients.

    Modes: `pass` forwards, `refuse` rejects connections, `silent` accepts them and never replies, `slow`
    delays replies, `cut` closes open connections.
    """

    def __init__(self, target_port: int, tls: ssl.SSLContext | None = None) -> None:
        self.target_port = target_port
        self.mode = "pass"
        self.delay = 0.0
        self.round_trips = 0
        self.connections = 0
        self._ended = False
        self._frozen = 0
        self.swallowed = b""
        self._tls = tls
        self._listener = _listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def set(self, mode: str, delay: float = 0.0) -> None:
        """Switch the mode, for open connections too."""
        if self.mode == "refuse" and mode != "refuse":
            self._listener = _listen(self.port)
        if mode == "refuse" and self.mode != "refuse":
            self._listener.close()
        self.mode, self.delay = mode, delay
        time.sleep(3 * TICK if mode in ("refuse", "cut") else 0)  # until the open connections are closed

    @property
    def attempts(self) -> int:
        """Number of connections and packets from clients."""
        return self.connections + self.round_trips

    def freeze_open(self) -> None:
        """Stop forwarding on the open connections and keep their data in `swallowed`. New ones work."""
        self._frozen = self.connections

    def _accept(self) -> None:
        while not self._ended:
            if self.mode == "refuse":
                time.sleep(TICK)
                continue
            with contextlib.suppress(OSError, ValueError):
                if select.select([self._listener], [], [], TICK)[0]:
                    client, _ = self._listener.accept()
                    thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _serve(self, client: socket.socket) -> None:
        if self._tls:
            try:
                client = self._tls.wrap_socket(client, server_side=True)
            except OSError:  # the client does not trust the certificate
                client.close()
                return
        self.connections += 1
        number = self.connections
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.target_port), timeout=5) as server,
        ):
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self._ended and self.mode not in ("refuse", "cut"):
                for ready in select.select([client, server], [], [], TICK)[0]:
                    if number <= self._frozen:
                        data = ready.recv(1 << 20)
                        if not data:
                            return
                        self.swallowed += data
                        continue
                    if not self._forward(
                        ready, server if ready is client else client, is_request=ready is client
                    ):
                        return

    def _forward(self, source: socket.socket, target: socket.socket, *, is_request: bool) -> bool:
        data = source.recv(1 << 20)
        if is_request and data:
            self.round_trips += 1
        if self.mode == "silent":
            return bool(data)
        if self.mode == "slow" and not is_request:
            time.sleep(self.delay)
        if data:
            target.sendall(data)
        return bool(data)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener
