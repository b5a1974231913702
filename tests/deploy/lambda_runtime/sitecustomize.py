"""The network of a deployed function, on this machine: caches are where ELASTICACHE_PORT says."""

import os
import socket

getaddrinfo = socket.getaddrinfo


def resolve(host, port, *args, **kwargs):
    """Like the real one, but for ElastiCache's names."""
    if str(host).endswith(".cache.amazonaws.com"):
        host, port = "127.0.0.1", os.environ["ELASTICACHE_PORT"]
    return getaddrinfo(host, port, *args, **kwargs)


socket.getaddrinfo = resolve
