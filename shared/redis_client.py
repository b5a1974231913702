"""The client of the cache's server: one per process, which gives up fast."""

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

from shared.config import Settings

TIMEOUT_SECONDS = 0.25
"""To connect, and to answer: a cache that is slower than this helps nobody. redis-py's own limits and retries
cost 3 to 5 s a call where the server is away."""

MAX_CONNECTIONS = 64
"""A thread uses one at a time; one that finds none free goes without the cache, and doesn't wait."""


def connect(settings: Settings) -> Redis:
    """A client; it connects when it is first used, again after a fork, and once again where a try fails.

    The last is for a connection that died unseen while Lambda had frozen the process.
    """
    pool = ConnectionPool.from_url(
        settings.redis_url or "",
        max_connections=MAX_CONNECTIONS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
        protocol=2,  # with 3, redis-py says HELLO first: one more round trip, and refused by some proxies
        driver_info=None,  # else each connection begins with two more round trips, to say whose library it is
        credential_provider=_credentials(settings),
    )
    return Redis.from_pool(pool)


def _credentials(settings: Settings) -> CredentialProvider | None:
    if settings.redis_iam_user is None:
        return None
    from shared.redis_iam import IamCredentials  # noqa: PLC0415  # with the AWS SDK, for those who chose it

    return IamCredentials(settings)
