"""Settings of a stage: the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TypeVar
from urllib.parse import urlsplit

from shared.config import auth as auth_config
from shared.config import parsers as values
from shared.config import urls
from shared.config.auth import AuthSettings

T = TypeVar("T")

TABLE = "_TABLE"

HIDDEN = {"REDIS_URL", "AUTH_JWKS", "AWS_ENDPOINT_URL_DYNAMODB"}
"""Variables whose value no message may quote: a URL may hold a password, and a malformed one at any place."""


class SettingsError(ValueError):
    """A setting is missing or wrong; the message names the variable and what it should look like."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from stage to stage.

    Attributes:
        stage: `local`, `dev`, `prod`, ...
        region: AWS region, e.g. `eu-central-1`.
        tables: name of each module's DynamoDB table, by module, as `table` gives it.
        dynamodb_endpoint: URL of DynamoDB where it is not AWS's own, else None.
        redis_url: URL of the cache, or None: no cache, and everything still works.
        redis_iam_user: ElastiCache user (its id, which is also its name) to log in as with IAM, else None.
        redis_iam_cache: name of the ElastiCache cache or replication group, with `redis_iam_user`.
        log_level: one of Python's level names.
        log_json: whether the log is JSON, or text for a person.
        metrics_bind: address and port at which gunicorn serves the metrics to Prometheus, or None: metrics
            are off.
        metrics_path: path of the metrics there.
        base_path: the path below which the API is public, e.g. `v1` for https://api.example.com/v1/news/;
            `/` for the root of every host; empty where it is not set.
        feed_shards: number of partitions new items of the feed are spread over. It may grow at any
            time; before it shrinks, the items of the shards that go must be written again.
        auth: whose tokens are taken, or None: none are.
        auth_scope_prefix: the prefix that the issuer puts before each scope, e.g. `news-api/`.
        cors_origins: the origins whose pages may call; `*` stands for any.
        docs: whether GET /docs shows a page to read and try the API.
        preload: whether daos are imported and made at the start, not by the first request that needs one.
    """

    stage: str
    region: str
    tables: Mapping[str, str]
    dynamodb_endpoint: str | None = None
    redis_url: str | None = field(default=None, repr=False)
    redis_iam_user: str | None = None
    redis_iam_cache: str | None = None
    log_level: str = "INFO"
    log_json: bool = False
    metrics_bind: str | None = None
    metrics_path: str = "/metrics"
    base_path: str = ""
    feed_shards: int = 1
    auth: AuthSettings | None = None
    auth_scope_prefix: str = ""
    cors_origins: tuple[str, ...] = ()
    docs: bool = False
    preload: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from environment variables.

        Raises:
            SettingsError: a variable is missing or has a value it can't have.
        """
        stage = _read(env, "STAGE", values.stage)
        settings = cls(
            stage=stage,
            region=_read(env, "AWS_REGION", values.region),
            tables={name.removesuffix(TABLE).lower(): env[name] for name in env if name.endswith(TABLE)},
            dynamodb_endpoint=_read(env, "AWS_ENDPOINT_URL_DYNAMODB", urls.parse_endpoint_url, None),
            redis_url=_read(env, "REDIS_URL", urls.parse_redis_url, None),
            redis_iam_user=_read(env, "REDIS_IAM_USER", values.iam_user, None),
            redis_iam_cache=_read(env, "REDIS_IAM_CACHE", values.iam_cache, None),
            log_level=_read(env, "LOG_LEVEL", values.log_level, "INFO"),
            log_json=_read(env, "LOG_FORMAT", values.is_json, not _is_local(env, stage)),
            metrics_bind=_read(env, "METRICS_BIND", values.metrics_bind, None),
            metrics_path=_read(env, "METRICS_PATH", values.metrics_path, "/metrics"),
            base_path=_read(env, "BASE_PATH", values.base_path, ""),
            feed_shards=_read(env, "FEED_SHARDS", values.feed_shards, 1),
            auth=_auth(env, stage),
            auth_scope_prefix=_read(env, "AUTH_SCOPE_PREFIX", auth_config.scope_prefix, ""),
            cors_origins=_read(env, "CORS_ORIGINS", urls.parse_origins, ()),
            docs=_docs(env, stage),
            preload=_preload(env),
        )
        _check_iam(settings)
        return settings

    def table(self, module: str) -> str:
        """The name of a module's table: NEWS_TABLE is that of the module news.

        Raises:
            SettingsError: it is missing, or no table can be called so.
        """
        name = module.upper() + TABLE
        return _read({name: self.tables.get(module, "")}, name, values.table)


_REQUIRED = object()


def _read(env: Mapping[str, str], name: str, parse: Callable[[str], T], default: object = _REQUIRED) -> T:
    text = env.get(name, "")
    if not text and default is not _REQUIRED:
        return default  # type: ignore[return-value]  # each default above is of its field's type
    try:
        return parse(text)
    except ValueError as error:
        shown = "the value" if name in HIDDEN or "@" in text else repr(text)
        wrong = f"{shown} is not" if text else "is not set: it must be"
        raise SettingsError(f"{name}: {wrong} {error}") from None


def _on_lambda(env: Mapping[str, str]) -> bool:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    return bool(env.get("AWS_LAMBDA_FUNCTION_NAME"))


def _is_local(env: Mapping[str, str], stage: str) -> bool:
    return stage == "local" and not _on_lambda(env)


def lambda_trace_header() -> str:
    """X-Ray's header of the current invocation, which Lambda's runtime sets for each; empty elsewhere."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


def _docs(env: Mapping[str, str], stage: str) -> bool:
    """DOCS, or by default: on a developer's machine only, where the assets are installed."""
    installed = find_spec("flask_swagger_ui") is not None
    docs = _read(env, "DOCS", values.yes_or_no, installed and _is_local(env, stage))
    if docs and not installed:
        raise SettingsError("DOCS: is yes, but the page's assets, flask-swagger-ui, are not installed")
    return docs


def _preload(env: Mapping[str, str]) -> bool:
    """By itself where the start is over before a caller waits; elsewhere it is a part of every cold start.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    is_ahead = env.get("AWS_LAMBDA_INITIALIZATION_TYPE") in {"provisioned-concurrency", "snap-start"}
    return _read(env, "PRELOAD", values.yes_or_no, is_ahead)


def _auth(env: Mapping[str, str], stage: str) -> AuthSettings | None:
    is_local = _is_local(env, stage)
    issuer = _read(env, "AUTH_ISSUER", auth_config.party, None)
    audience = _read(env, "AUTH_AUDIENCE", auth_config.party, None)
    jwks = _read(env, "AUTH_JWKS", urls.parse_jwks_location, None)
    claim = _read(env, "AUTH_AUDIENCE_CLAIM", auth_config.audience_claim, None)
    try:
        return auth_config.auth_settings(issuer, audience, jwks, audience_claim=claim, is_local=is_local)
    except ValueError as error:
        raise SettingsError(str(error)) from None


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
