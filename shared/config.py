"""Settings of a stage: the only reader of the environment."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from shared.auth_config import AuthSettings, auth_settings, jwks_place, origins, party

T = TypeVar("T")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_FEED_SHARDS = 64


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and what it should look like."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from stage to stage.

    Attributes:
        stage: `local`, `dev`, `prod`, ...
        region: AWS region, e.g. `eu-central-1`.
        news_table: name of the DynamoDB table of the news module.
        dynamodb_endpoint: URL of DynamoDB where it is not AWS's own, else None.
        redis_url: URL of the cache, or None: no cache, and everything still works.
        redis_iam_user: ElastiCache user (its id, which is also its name) to log in as with IAM, else None.
        redis_iam_cache: name of the ElastiCache cache or replication group, with `redis_iam_user`.
        log_level: one of Python's level names.
        base_path: where a custom domain or a load balancer has the API, e.g. `v1` for
            https://api.example.com/v1/news/; empty where it is at the root.
        feed_shards: number of partitions new items of the feed are spread over. It may grow at any
            time; before it shrinks, the items of the shards that go must be written again.
        auth: whose tokens are taken, or None: none are.
        cors_origins: the origins whose pages may call; `*` stands for any.
    """

    stage: str
    region: str
    news_table: str
    dynamodb_endpoint: str | None = None
    redis_url: str | None = None
    redis_iam_user: str | None = None
    redis_iam_cache: str | None = None
    log_level: str = "INFO"
    base_path: str = ""
    feed_shards: int = 1
    auth: AuthSettings | None = None
    cors_origins: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from environment variables.

        Raises:
            SettingsError: a variable is missing or has a value it can't have.
        """
        stage = _read(env, "STAGE", _stage)
        settings = cls(
            stage=stage,
            region=_read(env, "AWS_REGION", _region),
            news_table=_read(env, "NEWS_TABLE", _table),
            dynamodb_endpoint=_read(env, "AWS_ENDPOINT_URL_DYNAMODB", _http_url, None),
            redis_url=_read(env, "REDIS_URL", _redis_url, None),
            redis_iam_user=_read(env, "REDIS_IAM_USER", _iam_user, None),
            redis_iam_cache=_read(env, "REDIS_IAM_CACHE", _iam_cache, None),
            log_level=_read(env, "LOG_LEVEL", _log_level, "INFO"),
            base_path=_read(env, "BASE_PATH", _base_path, ""),
            feed_shards=_read(env, "FEED_SHARDS", _shards, 1),
            auth=_auth(env, stage),
            cors_origins=_read(env, "CORS_ORIGINS", origins, ()),
        )
        _check_iam(settings)
        return settings


_REQUIRED = object()


def _read(env: Mapping[str, str], name: str, parse: Callable[[str], T], default: object = _REQUIRED) -> T:
    text = env.get(name, "")
    if not text and default is not _REQUIRED:
        return default  # type: ignore[return-value]  # each default above is of its field's type
    try:
        return parse(text)
    except ValueError as error:
        shown = "the value" if "@" in text else repr(text)  # what has an @ may have a password before it
        wrong = f"{shown} is not" if text else "is not set: it must be"
        raise SettingsError(f"{name}: {wrong} {error}") from None


def _auth(env: Mapping[str, str], stage: str) -> AuthSettings | None:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    is_local = stage == "local" and not env.get("AWS_LAMBDA_FUNCTION_NAME")
    issuer = _read(env, "AUTH_ISSUER", party, None)
    audience = _read(env, "AUTH_AUDIENCE", party, None)
    jwks = _read(env, "AUTH_JWKS", jwks_place, None)
    try:
        return auth_settings(issuer, audience, jwks, is_local=is_local)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(what)
        return text

    return parse


_stage = _matching(r"[a-z][a-z0-9-]{0,31}", "a stage's name such as local, dev or prod")
_region = _matching(r"[a-z]{2,}(-[a-z0-9]+)+", "an AWS region such as eu-central-1")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_table = _matching(r"[A-Za-z0-9_.-]{3,255}", "the name of a DynamoDB table (3 to 255 of A-Z a-z 0-9 _ . -)")
# https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
_base_path = _matching(
    r"[A-Za-z0-9$_.+!*'()-]+(/[A-Za-z0-9$_.+!*'()-]+)*", "an API mapping's key such as v1 or shop/v1"
)

# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html: small letters only
_iam_user = _matching(r"[a-z][a-z0-9-]{0,39}", "the id of an ElastiCache user, in small letters")
_iam_cache = _matching(r"[a-z][a-z0-9-]{0,39}", "the name of an ElastiCache cache, in small letters")


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _shards(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]?", text) or int(text) > MAX_FEED_SHARDS:
        raise ValueError(f"a number from 1 to {MAX_FEED_SHARDS}")
    return int(text)


def _http_url(text: str) -> str:
    _split_url(text, ("http", "https"), "a URL such as http://127.0.0.1:4567")
    return text


def _redis_url(text: str) -> str:
    what = "a URL such as redis://127.0.0.1:6379/0, rediss://host:6379 or unix:///run/redis.sock"
    url = _split_url(text, ("redis", "rediss", "unix"), what)
    # An option in the URL would win over ours: ?ssl_cert_reqs=none, ?socket_timeout=60.
    if not re.fullmatch(r"(db=\d{1,5})?" if url.scheme == "unix" else "", url.query) or url.fragment:
        raise ValueError(f"{what}, without options in it")
    if url.scheme != "unix" and not re.fullmatch(r"/?|/\d{1,5}", url.path):
        raise ValueError(what)
    return text


def _check_iam(settings: Settings) -> None:
    """IAM needs both its settings, TLS, and no other user or password."""
    user, cache = settings.redis_iam_user, settings.redis_iam_cache
    if not user and not cache:
        return
    if not user or not cache:
        raise SettingsError("REDIS_IAM_USER: goes with REDIS_IAM_CACHE; set both, or none")
    url = urlsplit(settings.redis_url or "")
    if url.scheme != "rediss" or "@" in url.netloc:
        raise SettingsError(
            "REDIS_URL: with REDIS_IAM_USER it must be rediss://host:port, without a password"
        )


def _split_url(text: str, schemes: tuple[str, ...], what: str) -> SplitResult:
    try:
        url = urlsplit(text)
        port_is_right = url.port != 0  # raises where it is no port at all
    except ValueError:
        raise ValueError(what) from None
    place = url.path if url.scheme == "unix" else url.hostname
    if url.scheme not in schemes or not place or not port_is_right:
        raise ValueError(what)
    return url


def main() -> None:
    """Check the settings before anything starts: one line and exit code 1 where one is wrong."""
    try:
        Settings.from_env()
    except SettingsError as error:
        sys.exit(f"settings: {error}")


if __name__ == "__main__":
    main()
