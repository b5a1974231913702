"""ElastiCache IAM authentication: a presigned, short-lived token instead of a password.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
"""

from urllib.parse import urlencode, urlsplit

from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner
from redis.exceptions import AuthenticationError

from shared.config import Settings
from shared.deadline import call_with_deadline

TOKEN_SECONDS = 900
"""Lifetime of a token. 15 minutes is the maximum that ElastiCache accepts."""

SIGN_TIMEOUT_SECONDS = 1.0
"""Timeout for signing. It takes a millisecond, but outside Lambda botocore may fetch credentials first."""


class IamCredentials:
    """Creates the user name and the token for a connection.

    Every connection gets a new token. A cached token may outlive the credentials that signed it, or expire
    while Lambda freezes the process.
    """

    def __init__(self, settings: Settings, session: Session | None = None) -> None:
        self._user = settings.redis_iam_user or ""
        self._url = _url(settings)
        self._region = settings.region
        self._session = session or Session()

    def get_credentials(self) -> tuple[str, str]:
        """Return the user name and a new token.

        Raises:
            AuthenticationError: the token could not be signed.
        """
        try:
            return self._user, call_with_deadline(SIGN_TIMEOUT_SECONDS, self._sign)
        except Exception as error:
            raise AuthenticationError(f"could not sign the IAM token: {error}") from error

    def _sign(self) -> str:
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
    """Return the URL to sign. Serverless caches are detected by `.serverless.` in the endpoint."""
    query = {"Action": "connect", "User": settings.redis_iam_user or ""}
    if ".serverless." in (urlsplit(settings.redis_url or "").hostname or ""):
        query["ResourceType"] = "ServerlessCache"
    return f"https://{settings.redis_iam_cache}/?{urlencode(query)}"
