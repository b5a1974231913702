"""The connection to the cache's server."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 0.25
"""To connect, and to answer: a cache that is slower than this helps nobody."""


def connect(url: str) -> "Redis":
    """A client that gives up fast; redis-py's own defaults cost 3 to 5 s a call where the server is away."""
    return Redis.from_url(
        url,
        protocol=2,
        driver_info=None,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
