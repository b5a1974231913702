"""Creates the Redis client from the settings."""

import ssl
from collections.abc import Callable
from functools import partial

from redis._parsers import _RESP2Parser
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from shared.cache.redis_connection import TcpConnection, TlsConnection, UnixConnection
from shared.cache.redis_pool import TIMEOUT_SECONDS, RedisPool
from shared.config import Settings

TLS_CONNECT_TIMEOUT_SECONDS = 1.0
"""Connect timeout with TLS, with or without IAM.

Lambda allocates CPU in proportion to memory: 7 % of a core at 128 MB. With that share, the first TLS
connection of a process took 100 to 145 ms (65 ms at 512 MB) to a server on the same machine whose certificate
needs no chain. A certificate chain, another Availability Zone and a cold start add to that, so a healthy
connection can take longer than 0.25 s. 1 s is seven times the measured time. Loading the CA certificates
(32 ms of CPU), importing botocore (140 ms) and signing (5 ms) happen earlier and do not count.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""


def connect(settings: Settings) -> RedisPool:
    """Return a client that connects on first use.

    The CA certificates and the AWS SDK are loaded here, so that no request waits for them.
    """
    url = settings.redis_url or ""
    uses_tls = url.startswith("rediss:")
    seconds = TLS_CONNECT_TIMEOUT_SECONDS if uses_tls else TIMEOUT_SECONDS
    options = parse_url(url) | {
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,  # RESP3 needs HELLO: one more round trip, and some proxies reject it
        "parser_class": _RESP2Parser,  # the parser of hiredis bypasses the deadline in TimedSocket.recv
        "driver_info": None,  # otherwise CLIENT SETINFO adds two round trips to each connection
    }
    options.pop("connection_class", None)
    if uses_tls:
        options["ssl_context"] = ssl.create_default_context()
    connection_class = TlsConnection if uses_tls else UnixConnection if "path" in options else TcpConnection
    return RedisPool(partial(connection_class, **options), seconds, _iam_credentials(settings))


def _iam_credentials(settings: Settings) -> Callable[[], tuple[str, str]] | None:
    if settings.redis_iam_user is None:
        return None
    from shared.cache.redis_iam import IamCredentials  # noqa: PLC0415  # imports botocore, needed for IAM only

    return IamCredentials(settings).get_credentials
