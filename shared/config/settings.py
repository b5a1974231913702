"""Settings of a stage: the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import Struct

from shared.config import auth as auth_config
from shared.config import parsers, urls
from shared.config.auth import AuthSettings
from shared.config.initialization import is_early
from shared.config.references import is_reference, resolve

T = TypeVar("T")

TABLE_SUFFIX = "_TABLE"

SECRET_VARIABLES = {"REDIS_URL", "AUTH_JWKS", "AWS_ENDPOINT_URL_DYNAMODB"}
"""Variables that error messages never quote: a URL can contain a password, anywhere if it is malformed."""


class SettingsError(ValueError):
    """A setting is missing or invalid. The message names the variable and the expected format."""


class Settings(Struct, frozen=True):
    """The settings of a stage.

    Attributes:
        stage: The stage, such as `local`, `dev` or `prod`.
        region: The AWS region, such as `eu-central-1`.
        tables: The name of each module's DynamoDB table, by module; read it with `table`.
        dynamodb_endpoint: URL of DynamoDB, or None for AWS's endpoint.
        redis_url: URL of the cache, or None to run without a cache.
        redis_iam_user: Id and name of the ElastiCache user for IAM authentication, or None.
        redis_iam_cache: Name of the ElastiCache cache or replication group, with `redis_iam_user`.
        cache_shards: Number of slots for a module's cache keys.
        rate_limit: Requests per minute that a client may send; 0 for any number.
        log_level: One of Python's log levels.
        log_json: True for JSON logs, False for text.
        metrics_bind: Address and port of the Prometheus metrics of gunicorn, or None to disable them.
        metrics_path: Path of the metrics.
        base_path: Public path of the API, such as `v1` for https://api.example.com/v1/news/; `/` for the
            root of every host; empty if not set.
        feed_shards: Number of partitions for new items of the feed. It can grow at any time; before it
            shrinks, rewrite the items of the removed shards.
        auth: Issuer and audience of accepted tokens, or None to accept no tokens.
        auth_scope_prefix: Prefix that the issuer adds to each scope, such as `news-api/`.
        cors_origins: Origins of pages that can call the API; `*` allows any.
        docs: True to serve the page of the API documentation at /docs.
        preload: True to create DAOs at startup, False to create them in the first request. The default is
            True if the initialization is over before that request.
    """

    stage: str
    region: str
    tables: Mapping[str, str]
    dynamodb_endpoint: str | None = None
    redis_url: str | None = None
    redis_iam_user: str | None = None
    redis_iam_cache: str | None = None
    cache_shards: int = 1
    rate_limit: int = 0
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

    def __repr__(self) -> str:
        """Name the stage only, because the URL of the cache can contain a password."""
        return f"Settings(stage={self.stage!r})"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from environment variables.

        Raises:
            SettingsError: A setting is missing or invalid.
        """
        stage = read(env, "STAGE", parsers.parse_stage)
        settings = cls(
            stage=stage,
            region=read(env, "AWS_REGION", parsers.parse_region),
            tables={
                name.removesuffix(TABLE_SUFFIX).lower(): env[name]
                for name in env
                if name.endswith(TABLE_SUFFIX)
            },
            dynamodb_endpoint=read(env, "AWS_ENDPOINT_URL_DYNAMODB", urls.parse_endpoint_url, None),
            redis_url=read(env, "REDIS_URL", urls.parse_redis_url, None),
            redis_iam_user=read(env, "REDIS_IAM_USER", parsers.parse_iam_user, None),
            redis_iam_cache=read(env, "REDIS_IAM_CACHE", parsers.parse_iam_cache, None),
            cache_shards=read(env, "CACHE_SHARDS", parsers.parse_cache_shards, 1),
            rate_limit=read(env, "RATE_LIMIT", parsers.parse_rate_limit, 0),
            log_level=read(env, "LOG_LEVEL", parsers.parse_log_level, "INFO"),
            log_json=read(env, "LOG_FORMAT", parsers.parse_log_format, not _is_local(env, stage)),
            metrics_bind=read(env, "METRICS_BIND", parsers.parse_metrics_bind, None),
            metrics_path=read(env, "METRICS_PATH", parsers.parse_metrics_path, "/metrics"),
            base_path=read(env, "BASE_PATH", parsers.parse_base_path, ""),
            feed_shards=read(env, "FEED_SHARDS", parsers.parse_feed_shards, 1),
            auth=_read_auth(env, stage),
            auth_scope_prefix=read(env, "AUTH_SCOPE_PREFIX", auth_config.parse_scope_prefix, ""),
            cors_origins=read(env, "CORS_ORIGINS", urls.parse_origins, ()),
            docs=_read_docs(env, stage),
            preload=read(env, "PRELOAD", parsers.parse_yes_or_no, is_early(env)),
        )
        if settings.rate_limit and not settings.redis_url:
            raise SettingsError("RATE_LIMIT: requires REDIS_URL, which counts the requests")
        _validate_redis_iam(settings)
        return settings

    def table(self, module: str) -> str:
        """Return the name of a module's table, such as NEWS_TABLE for the module news.

        Raises:
            SettingsError: The setting is missing or invalid.
        """
        name = module.upper() + TABLE_SUFFIX
        variables = {name: self.tables.get(module, ""), "AWS_REGION": self.region}
        return read(variables, name, parsers.parse_table_name)


_REQUIRED = object()


def read(env: Mapping[str, str], name: str, parse: Callable[[str], T], default: object = _REQUIRED) -> T:
    """Return the parsed value of a variable, or the default if it is not set or empty.

    Raises:
        SettingsError: The variable is invalid, has an unusable reference, or is required and not set.
    """
    text = env.get(name, "")
    if not text and default is not _REQUIRED:
        return default  # type: ignore[return-value]  # each default has the type of its field
    try:
        return parse(resolve(text, env.get("AWS_REGION", "")) if is_reference(text) else text)
    except ValueError as error:
        if not text:
            raise SettingsError(f"{name}: not set; {error}") from None
        is_secret = name in SECRET_VARIABLES or "@" in text
        value = "" if is_secret else f", got {text!r}"
        raise SettingsError(f"{name}: {error}{value}") from None


def _is_local(env: Mapping[str, str], stage: str) -> bool:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    return stage == "local" and not env.get("AWS_LAMBDA_FUNCTION_NAME")


def lambda_trace_header() -> str:
    """Return the X-Ray trace header of the current Lambda invocation; empty elsewhere."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


def _read_docs(env: Mapping[str, str], stage: str) -> bool:
    """Return DOCS. The default is True on a developer's machine with the assets installed."""
    is_installed = find_spec("flask_swagger_ui") is not None
    docs = read(env, "DOCS", parsers.parse_yes_or_no, is_installed and _is_local(env, stage))
    if docs and not is_installed:
        raise SettingsError("DOCS: requires flask-swagger-ui, which is not installed")
    return docs


def _read_auth(env: Mapping[str, str], stage: str) -> AuthSettings | None:
    is_local = _is_local(env, stage)
    issuer = read(env, "AUTH_ISSUER", auth_config.parse_issuer_or_audience, None)
    audience = read(env, "AUTH_AUDIENCE", auth_config.parse_issuer_or_audience, None)
    jwks = read(env, "AUTH_JWKS", urls.parse_jwks_location, None)
    claim = read(env, "AUTH_AUDIENCE_CLAIM", auth_config.parse_audience_claim, None)
    try:
        return auth_config.build_auth_settings(issuer, audience, jwks, claim, is_local=is_local)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _validate_redis_iam(settings: Settings) -> None:
    """Require both IAM settings, TLS, and a URL without a user or password."""
    user, cache = settings.redis_iam_user, settings.redis_iam_cache
    if not user and not cache:
        return
    if not user or not cache:
        raise SettingsError("REDIS_IAM_USER: set both or none of REDIS_IAM_USER, REDIS_IAM_CACHE")
    url = urlsplit(settings.redis_url or "")
    if url.scheme != "rediss" or "@" in url.netloc:
        raise SettingsError(
            "REDIS_URL: must be rediss://host:port, without user and password, since REDIS_IAM_USER is set"
        )
