"""Valid values of every setting, and the start of a service with them."""

from shared.config import Settings
from tools.local import tables
from tools.local.tables import LOCAL_NAMES

REQUIRED = LOCAL_NAMES | {"STAGE": "dev", "AWS_REGION": "eu-central-1"}
TABLES = {module: module for module in tables.TABLES}
ALL = REQUIRED | {
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4567",
    "REDIS_URL": "rediss://user:secret@cache.example.com:6379/0",
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "text",
    "METRICS_PATH": "/metrics",
    "METRICS_BIND": "127.0.0.1:9464",
    "BASE_PATH": "shop/v1",
    "CACHE_SHARDS": "16",
    "FEED_SHARDS": "64",
    "RATE_LIMIT": "600",
    "AUTH_ISSUER": "https://login.example.com/",
    "AUTH_AUDIENCE": "news",
    "AUTH_JWKS": "https://login.example.com/jwks.json",
    "AUTH_AUDIENCE_CLAIM": "client_id",
    "AUTH_SCOPE_PREFIX": "news-api/",
    "CORS_ORIGINS": "https://app.example.com, http://localhost:3000",
    "DOCS": "yes",
    "PRELOAD": "yes",
}
AUTH = {name: ALL[name] for name in ("AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS")}


def start(env):
    """Read what every entry point reads: the settings, and the table name of each module."""
    settings = Settings.from_env(env)
    for module in TABLES:
        settings.table(module)
