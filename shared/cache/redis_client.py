"""The client of the cache's server, as the settings name it."""

import ssl
from collections.abc import Callable
from functools import partial

from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from shared.cache.redis_connection import TcpConnection, TlsConnection, UnixConnection
from shared.cache.redis_pool import TIMEOUT_SECONDS, RedisPool
from shared.config import Settings

TLS_CONNECT_TIMEOUT_SECONDS = 1.0
"""Time limit to connect with TLS, with or without IAM. Lambda grants CPU by memory: 7 % of a core at 128 MB.

With that share the first connection of a process took 100 to 145 ms, and 65 ms with the share of 512 MB, to
a server on the same machine whose certificate needs no chain. A chain, another zone and the rest of a cold
start come on top, so 0.25 s can pass where nothing is wrong. 1 s is seven times what was measured. It does
not include the certificates of all authorities (32 ms of CPU), botocore (140 ms) and its signature (5 ms):
they come before.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""


def connect(settings: Settings) -> RedisPool:
    """Return a client, which connects when it is first used.

    TLS's certificates and the AWS SDK are loaded here, so that no request waits for them.
    """
    url = settings.redis_url or ""
    uses_tls = url.startswith("rediss:")
    seconds = TLS_CONNECT_TIMEOUT_SECONDS if uses_tls else TIMEOUT_SECONDS
    options = parse_url(url) | {
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,  # with 3, HELLO comes first: one more round trip, and refused by some proxies
        "driver_info": None,  # else two more round trips for each connection, to name the library
    }
    options.pop("connection_class", None)
    if uses_tls:
        options["ssl_context"] = ssl.create_default_context()
    kind = TlsConnection if uses_tls else UnixConnection if "path" in options else TcpConnection
    return RedisPool(partial(kind, **options), seconds, _credentials(settings))


def _credentials(settings: Settings) -> Callable[[], tuple[str, str]] | None:
    if settings.redis_iam_user is None:
        return None
    from shared.cache.redis_iam import IamCredentials  # noqa: PLC0415  # with the AWS SDK, for those who chose it

    return IamCredentials(settings).get_credentials
