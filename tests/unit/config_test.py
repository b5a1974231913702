"""Settings: parsing of environment variables, defaults, and error messages."""

import subprocess
import sys

import pytest

from shared.config import Settings, SettingsError
from shared.config.auth import AuthSettings
from support.environment import CLEAN, ROOT
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
    "AUTH_ISSUER": "https://login.example.com/",
    "AUTH_AUDIENCE": "news",
    "AUTH_JWKS": "https://login.example.com/jwks.json",
    "AUTH_AUDIENCE_CLAIM": "client_id",
    "AUTH_SCOPE_PREFIX": "news-api/",
    "CORS_ORIGINS": "https://app.example.com, http://localhost:3000",
    "DOCS": "yes",
    "PRELOAD": "yes",
}


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


def start(env):
    """Read what every entry point reads: the settings, and the table name of each module."""
    settings = Settings.from_env(env)
    for module in TABLES:
        settings.table(module)


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


AUTH = {name: ALL[name] for name in ("AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS")}
LOCAL_TOKENS = REQUIRED | AUTH | {"AUTH_ISSUER": "local", "STAGE": "local"}


def test_the_audience_claim_defaults_to_aud():
    assert Settings.from_env(REQUIRED | AUTH).auth.audience_claim == "aud"


def test_an_audience_claim_without_an_audience_is_an_error():
    with pytest.raises(SettingsError, match=r"^AUTH_AUDIENCE_CLAIM: requires AUTH_AUDIENCE"):
        Settings.from_env(REQUIRED | {"AUTH_AUDIENCE_CLAIM": "client_id"})


def test_a_scope_prefix_needs_no_issuer():
    """API Gateway's authorizer verifies the tokens, and the service checks the scopes."""
    assert Settings.from_env(REQUIRED | {"AUTH_SCOPE_PREFIX": "news-api/"}).auth_scope_prefix == "news-api/"


@pytest.mark.parametrize("name", AUTH)
def test_incomplete_auth_settings_are_an_error(name):
    env = REQUIRED | AUTH
    del env[name]
    with pytest.raises(
        SettingsError, match=f"^{name}: not set; set all or none of AUTH_ISSUER, AUTH_AUDIENCE, AUTH_JWKS$"
    ):
        Settings.from_env(env)


def test_the_local_issuer_is_accepted_in_a_local_run_only():
    assert Settings.from_env(LOCAL_TOKENS).auth.issuer == "local"
    for change in ({"STAGE": "dev"}, {"STAGE": "locals"}, {"AWS_LAMBDA_FUNCTION_NAME": "news"}):
        with pytest.raises(
            SettingsError, match=r"^AUTH_ISSUER: 'local' is the issuer of `make run`"
        ) as error:
            Settings.from_env(LOCAL_TOKENS | change)
        assert "\n" not in str(error.value)


def test_keys_over_plain_http_are_accepted_on_a_developers_machine_only():
    plain = AUTH | {"AUTH_JWKS": "http://login.example.com/jwks.json"}
    assert Settings.from_env(REQUIRED | plain | {"STAGE": "local"}).auth
    assert Settings.from_env(REQUIRED | plain | {"AUTH_JWKS": "http://127.0.0.1:8080/jwks.json"}).auth
    with pytest.raises(SettingsError, match=r"^AUTH_JWKS: must be an https URL"):
        Settings.from_env(REQUIRED | plain)


@pytest.mark.parametrize(
    ("env", "message"), [(REQUIRED, ""), (REQUIRED | AUTH, "AUTH_ISSUER: requires PyJWT and cryptography")]
)
def test_auth_settings_require_the_packages_that_verify_tokens(env, message):
    bare = [sys.executable, "-S", "-m", "shared.config"]  # without site-packages
    start = subprocess.run(bare, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert start.returncode == bool(message)
    assert start.stderr.startswith(f"settings: {message}" if message else "")
    assert start.stderr.count("\n") == bool(message)


def test_the_keys_can_be_a_file(tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text("{}")
    assert Settings.from_env(REQUIRED | AUTH | {"AUTH_JWKS": str(file)}).auth.jwks == str(file)


@pytest.mark.parametrize(
    "text", ["*", "https://a.example.com", "https://a.example.com http://b.example.com:8080"]
)
def test_cors_origins_are_any_or_a_list(text):
    assert " ".join(Settings.from_env(REQUIRED | {"CORS_ORIGINS": text}).cors_origins) == text


def entrypoint(env):
    return subprocess.run(
        [ROOT / "entrypoint.sh"],
        env={"PATH": CLEAN["PATH"], "PYTHON": sys.executable} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("STAGE", {}),
        ("AUTH_ISSUER", REQUIRED | AUTH | {"AUTH_ISSUER": "local"}),
        ("REDIS_URL", REQUIRED | {"REDIS_URL": "nonsense"}),
        ("NEWS_TABLE", REQUIRED | {"NEWS_TABLE": ""}),
        *[
            (name, REQUIRED | {name: value})
            for name, values in {
                "WORKERS": ["0", "257", "two", "-1", "1.5", " 1", "99999999999999999999"],
                "TIMEOUT": ["0", "1s", "3601"],
                "LIMIT_REQUEST_FIELD_SIZE": ["0", "255", "65537"],
                "MAX_REQUESTS": ["-1", "10000000", "never"],
                "RELOAD": ["1", "true"],
                "PROFILE": ["0", "YES"],
                "METRICS_BIND": ["127.0.0.1:8000", "10.0.0.1:8000", "nonsense"],
                "BIND": ["8000", ":8000", "127.0.0.1:", "127.0.0.1:0", "h:65536", "h:http", "unix:"],
            }.items()
            for value in values
        ],
    ],
)
def test_an_invalid_setting_aborts_startup_with_one_line_and_exit_code_1(name, env):
    start = entrypoint(env)
    assert (start.returncode, start.stdout) == (1, "")
    [line] = start.stderr.splitlines()
    assert line.startswith("settings: ")
    assert name in line


def test_gunicorn_gets_the_options_of_the_environment(tmp_path):
    (tmp_path / "gunicorn.py").write_text("import sys; print(*sys.argv[1:])")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    default = entrypoint(REQUIRED | {"PYTHON": str(python)}).stdout
    for option in ("--bind 127.0.0.1:8000", "--workers 1", "--timeout 30", "--max-requests 0"):
        assert option in default
    assert "--limit-request-field_size 8190" in default
    variables = {
        "BIND": "unix:/run/news.sock",
        "WORKERS": "4",
        "TIMEOUT": "5",
        "MAX_REQUESTS": "9",
        "LIMIT_REQUEST_FIELD_SIZE": "4096",
    }
    configured = entrypoint(REQUIRED | {"PYTHON": str(python)} | variables).stdout
    for option in (
        "--bind unix:/run/news.sock",
        "--workers 4",
        "--timeout 5",
        "--max-requests 9",
    ):
        assert option in configured
    assert "--limit-request-field_size 4096" in configured
    assert "--graceful-timeout 5" in configured


@pytest.mark.parametrize(
    ("initialization", "value", "preload"),
    [
        ("on-demand", "", False),
        ("on-demand", "yes", True),
        ("provisioned-concurrency", "", True),
        ("snap-start", "", True),
        ("snap-start", "no", False),
    ],
)
def test_preload_defaults_to_yes_if_initialization_precedes_the_first_request(initialization, value, preload):
    env = REQUIRED | {"AWS_LAMBDA_INITIALIZATION_TYPE": initialization, "PRELOAD": value}
    assert Settings.from_env(env).preload is preload


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
