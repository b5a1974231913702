"""A check for received data on a socket, in one system call.

shared/gunicorn/hooks.py imports this module before gevent replaces `select.poll` with a class that takes
50 µs.
"""

from select import POLLIN, poll


def has_received(file_descriptor: int) -> bool:
    """Return True if a read would not block: data has arrived, or the connection was closed."""
    poller = poll()
    poller.register(file_descriptor, POLLIN)
    return bool(poller.poll(0))
