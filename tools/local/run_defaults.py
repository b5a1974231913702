"""The environment of a local run: its defaults, and the part that other commands need."""

import os

from tools.local.tables import LOCAL_NAMES

DEFAULTS = {"AWS_REGION": "us-east-1", "BIND": "127.0.0.1:8000", "STAGE": "local", **LOCAL_NAMES}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
"""Placeholders for a database that accepts any. Credentials of the environment take precedence."""

AUTH = ("AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS")
SAVED = (*DEFAULTS, *AUTH, "AWS_ENDPOINT_URL_DYNAMODB", "REDIS_URL", "FEED_SHARDS")


def set_defaults() -> None:
    """Set missing variables in the environment of this process."""
    for name, value in DEFAULTS.items():
        os.environ[name] = os.environ.get(name) or value
    if _accepts_any_credentials():
        for name, value in CREDENTIALS.items():
            os.environ.setdefault(name, value)


def addresses() -> dict[str, str]:
    """Return the settings that other commands need, without a password and without real credentials."""
    settings = {name: os.environ[name] for name in SAVED if name in os.environ}
    if "@" in settings.get("REDIS_URL", ""):
        del settings["REDIS_URL"]
    return settings | (CREDENTIALS if _accepts_any_credentials() else {})


def _accepts_any_credentials() -> bool:
    """Return whether the database is a local one: it is reached over plain HTTP."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or "http://"
    return endpoint.lower().startswith("http://") and "AWS_PROFILE" not in os.environ
