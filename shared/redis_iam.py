"""ElastiCache's IAM authentication: a signed, short-lived token in place of a password.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
"""

import time
from collections.abc import Callable
from threading import Lock
from urllib.parse import urlencode, urlsplit

from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError

from shared.config import Settings

TOKEN_SECONDS = 900
"""How long a token is valid; ElastiCache takes no longer ones."""

MARGIN_SECONDS = 60
"""A token that is about to end is not used any more."""


class IamCredentials(CredentialProvider):
    """Gives redis-py the user and a token, the same one until shortly before it ends."""

    def __init__(
        self,
        settings: Settings,
        session: Session | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._user = settings.redis_iam_user or ""
        self._url = _url(settings)
        self._region = settings.region
        self._session = session or Session()
        self._clock = clock
        self._lock = Lock()
        self._token, self._ends_at = "", 0.0

    def get_credentials(self) -> tuple[str, str]:
        """User and token.

        Raises:
            AuthenticationError: no token could be made. An error that is not redis-py's own would leave the
                connection open, to be used without having logged in.
        """
        with self._lock:
            if not self._token or self._clock() > self._ends_at - MARGIN_SECONDS:
                try:
                    self._token = self._signed()
                except Exception as error:
                    raise AuthenticationError(f"no IAM token: {error}") from error
                self._ends_at = self._clock() + TOKEN_SECONDS
            return self._user, self._token

    def _signed(self) -> str:
        signer = RequestSigner(
            ServiceId("elasticache"),
            self._region,
            "elasticache",
            "v4",
            self._session.get_credentials(),
            self._session.get_component("event_emitter"),
        )
        request = {"method": "GET", "url": self._url, "body": {}, "headers": {}, "context": {}}
        url = signer.generate_presigned_url(request, "connect", expires_in=TOKEN_SECONDS)
        return str(url).removeprefix("https://")


def _url(settings: Settings) -> str:
    """What is signed. That a cache is serverless is told by its address, as AWS makes it."""
    asked = {"Action": "connect", "User": settings.redis_iam_user or ""}
    if ".serverless." in (urlsplit(settings.redis_url or "").hostname or ""):
        asked["ResourceType"] = "ServerlessCache"
    return f"https://{settings.redis_iam_cache}/?{urlencode(asked)}"
