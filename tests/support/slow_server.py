"""A TCP server that sends its reply byte by byte, so that it ends after the deadline of the client."""

import contextlib
import socket
import threading
import time


def slow_server(reply, pause, *, greeting=b"", waits=True):
    """Return the listener of a server.

    Args:
        reply: sent byte by byte.
        pause: seconds after each byte.
        greeting: sent at once.
        waits: receive a request first.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=send, args=(client,), daemon=True).start()

    def send(client):
        with client, contextlib.suppress(OSError):
            if waits:
                client.recv(65536)
            client.sendall(greeting)
            for byte in reply:
                client.sendall(bytes([byte]))
                time.sleep(pause)

    threading.Thread(target=accept, daemon=True).start()
    return listener
