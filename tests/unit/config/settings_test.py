"""Settings: parsing of environment variables, defaults, and error messages."""

import pytest

from shared.config import Settings, SettingsError
from shared.config.auth import AuthSettings
from support.config_values import ALL, REQUIRED, TABLES, start


def test_optional_settings_have_defaults():
    assert Settings.from_env(REQUIRED) == Settings(
        stage="dev", region="eu-central-1", tables=TABLES, log_json=True
    )
    empty = dict.fromkeys(ALL.keys() - REQUIRED, "")
    assert Settings.from_env(REQUIRED | empty) == Settings.from_env(REQUIRED)


def test_every_setting_is_read():
    assert Settings.from_env(ALL) == Settings(
        stage="dev",
        region="eu-central-1",
        tables=TABLES,
        dynamodb_endpoint="http://127.0.0.1:4567",
        redis_url="rediss://user:secret@cache.example.com:6379/0",
        log_level="DEBUG",
        log_json=False,
        metrics_path="/metrics",
        metrics_bind="127.0.0.1:9464",
        base_path="shop/v1",
        cache_shards=16,
        feed_shards=64,
        rate_limit=600,
        auth=AuthSettings(
            "https://login.example.com/", "news", "https://login.example.com/jwks.json", "client_id"
        ),
        auth_scope_prefix="news-api/",
        cors_origins=("https://app.example.com", "http://localhost:3000"),
        docs=True,
        preload=True,
    )


@pytest.mark.parametrize(
    ("env", "is_json"),
    [
        ({"STAGE": "local"}, False),
        ({"STAGE": "local", "LOG_FORMAT": "json"}, True),
        ({"STAGE": "local", "AWS_LAMBDA_FUNCTION_NAME": "f"}, True),
        ({"STAGE": "dev"}, True),
        ({"STAGE": "dev", "LOG_FORMAT": "text"}, False),
    ],
)
def test_the_log_format_defaults_to_text_on_a_developers_machine(env, is_json):
    assert Settings.from_env(REQUIRED | env).log_json is is_json


@pytest.mark.parametrize("url", ["redis://h", "redis://h:1/0", "redis://:p@h", "unix:///run/redis.sock?db=1"])
def test_every_form_of_a_redis_url_is_accepted(url):
    assert Settings.from_env(REQUIRED | {"REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("missing", ["absent", "empty"])
def test_a_missing_setting_is_a_named_error(name, missing):
    env = {key: value for key, value in REQUIRED.items() if key != name}
    if missing == "empty":
        env[name] = ""
    with pytest.raises(SettingsError, match=f"^{name}: not set; must be "):
        start(env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_FORMAT", "yaml"),
        ("METRICS_PATH", "metrics"),
        ("METRICS_PATH", "/"),
        ("METRICS_BIND", "9464"),
        ("METRICS_BIND", "127.0.0.1:"),
        ("METRICS_BIND", "127.0.0.1:0"),
        ("METRICS_BIND", "127.0.0.1:65536"),
        ("METRICS_BIND", "unix:/run/metrics"),
        ("STAGE", "Prod 1"),
        ("STAGE", "dev\n"),
        ("AWS_REGION", "Frankfurt"),
        ("NEWS_TABLE", "ab"),
        ("NEWS_TABLE", "news/dev"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "127.0.0.1:4567"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "http://h:99999"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://localhost:6379"),
        ("REDIS_URL", "redis://h:port"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "unix://"),
        ("LOG_LEVEL", "LOUD"),
        ("DOCS", "true"),
        ("BASE_PATH", "//"),
        ("BASE_PATH", "//v1"),
        ("BASE_PATH", "a//b"),
        ("BASE_PATH", "."),
        ("BASE_PATH", "v1/../v2"),
        ("BASE_PATH", "v%31"),
        ("BASE_PATH", "v 1"),
        ("BASE_PATH", "ä"),
        ("BASE_PATH", "v1?"),
        ("CACHE_SHARDS", "17"),
        ("RATE_LIMIT", "-1"),
        ("RATE_LIMIT", "1000001"),
        ("RATE_LIMIT", "60/m"),
        ("FEED_SHARDS", "0"),
        ("FEED_SHARDS", "65"),
        ("FEED_SHARDS", "1_0"),
        ("FEED_SHARDS", "two"),
        ("AUTH_ISSUER", "two words"),
        ("AUTH_AUDIENCE", "ä"),
        ("AUTH_JWKS", "there/is/no/such.json"),
        ("AUTH_JWKS", "ftp://login.example.com/jwks.json"),
        ("AUTH_JWKS", "https://login.example.com:0/"),
        ("AUTH_JWKS", "https://[login"),
        ("AUTH_AUDIENCE_CLAIM", "azp"),
        ("AUTH_AUDIENCE_CLAIM", "AUD"),
        *[
            ("AUTH_SCOPE_PREFIX", text)
            for text in (" ", "news api/", 'news"', "news\\", "näws/", "a\n", "a" * 257)
        ],
        ("CORS_ORIGINS", "app.example.com"),
        ("CORS_ORIGINS", "https://app.example.com/"),
        ("CORS_ORIGINS", "https://App.example.com"),
        ("CORS_ORIGINS", "https://app.example.com *"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", ","),
    ],
)
def test_an_invalid_setting_is_a_one_line_error_with_name_and_expected_format(name, value):
    with pytest.raises(SettingsError, match=rf"^{name}: must be (an?|one|the) ") as error:
        start(REQUIRED | {name: value})
    assert "\n" not in str(error.value)


def test_a_rate_limit_requires_the_redis_that_counts_the_requests():
    with pytest.raises(SettingsError, match=r"^RATE_LIMIT: requires REDIS_URL"):
        Settings.from_env(REQUIRED | {"RATE_LIMIT": "60"})
    assert Settings.from_env(REQUIRED | {"RATE_LIMIT": "0"}).rate_limit == 0


@pytest.mark.parametrize(
    "text", ["*", "https://a.example.com", "https://a.example.com http://b.example.com:8080"]
)
def test_cors_origins_are_any_or_a_list(text):
    assert " ".join(Settings.from_env(REQUIRED | {"CORS_ORIGINS": text}).cors_origins) == text


@pytest.mark.parametrize(
    ("text", "base_path"),
    [
        *((text, "v1") for text in ("v1", "/v1", "v1/", "/v1/")),
        *((text, "v1/api") for text in ("v1/api", "/v1/api", "/v1/api/")),
        *((text, text) for text in ("/", "v1.0", "..x", "$v")),
        ("", ""),
    ],
)
def test_the_base_path_is_accepted_with_or_without_outer_slashes(text, base_path):
    assert Settings.from_env(ALL | {"BASE_PATH": text}).base_path == base_path
