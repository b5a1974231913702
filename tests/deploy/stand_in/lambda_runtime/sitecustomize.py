"""Resolve host names of ElastiCache to 127.0.0.1 and ELASTICACHE_PORT, for a deployed function."""

import os
import socket

getaddrinfo = socket.getaddrinfo


def resolve(host, port, *args, **kwargs):
    """Return the addresses of a host, as socket.getaddrinfo does."""
    if str(host).endswith(".cache.amazonaws.com"):
        host, port = "127.0.0.1", os.environ["ELASTICACHE_PORT"]
    return getaddrinfo(host, port, *args, **kwargs)


socket.getaddrinfo = resolve
