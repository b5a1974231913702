"""Settings with a URL, and their errors."""

import pytest

from shared.config import Settings, SettingsError
from tools.local.tables import LOCAL_NAMES

ENV = LOCAL_NAMES | {"STAGE": "dev", "AWS_REGION": "eu-central-1"}
AUTH = {"AUTH_ISSUER": "https://login.example.com/", "AUTH_AUDIENCE": "news"}

VALID = {
    "REDIS_URL": "redis://user:secret@cache.example.com:6379/0",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4567",
    "AUTH_JWKS": "https://login.example.com/jwks.json",
    "CORS_ORIGINS": "https://app.example.com",
    "AUTH_ISSUER": "https://login.example.com/",
    "AUTH_AUDIENCE": "news",
    "NEWS_TABLE": "news",
    "STAGE": "dev",
    "AWS_REGION": "eu-central-1",
    "BASE_PATH": "v1",
    "REDIS_IAM_USER": "news-user",
}


def read(**env):
    """Read the settings and a table name, as an entry point does."""
    settings = Settings.from_env(ENV | AUTH | {"AUTH_JWKS": "https://h/"} | env)
    settings.table("news")
    return settings


def error_of(name, value):
    with pytest.raises(SettingsError) as error:
        read(**{name: value})
    [line] = str(error.value).splitlines()
    assert line.startswith(f"{name}: ")
    return line
