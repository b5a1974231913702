"""Settings: what is read from the environment, and what is said of a wrong one."""

import subprocess
import sys

import pytest

from shared.config import Settings, SettingsError
from shared.config.auth import AuthSettings
from support.environment import CLEAN, ROOT
from tools.local import tables
from tools.local.tables import LOCAL_NAMES

LEAST = LOCAL_NAMES | {"STAGE": "dev", "AWS_REGION": "eu-central-1"}
TABLES = {module: module for module in tables.TABLES}
MOST = LEAST | {
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4567",
    "REDIS_URL": "rediss://user:secret@cache.example.com:6379/0",
    "LOG_LEVEL": "debug",
    "LOG_FORMAT": "text",
    "METRICS_PATH": "/metrics",
    "METRICS_BIND": "127.0.0.1:9464",
    "BASE_PATH": "shop/v1",
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


def test_without_the_optional_ones_settings_have_defaults():
    assert Settings.from_env(LEAST) == Settings(
        stage="dev", region="eu-central-1", tables=TABLES, log_json=True
    )
    assert Settings.from_env(LEAST | dict.fromkeys(MOST.keys() - LEAST, "")) == Settings.from_env(LEAST)


def test_every_setting_is_read():
    assert Settings.from_env(MOST) == Settings(
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
def test_the_log_is_text_where_a_person_reads_it(env, is_json):
    assert Settings.from_env(LEAST | env).log_json is is_json


@pytest.mark.parametrize("url", ["redis://h", "redis://h:1/0", "redis://:p@h", "unix:///run/redis.sock?db=1"])
def test_every_form_of_a_redis_url_is_taken(url):
    assert Settings.from_env(LEAST | {"REDIS_URL": url}).redis_url == url


def start(env):
    """What every start reads: the settings, and the table of each module."""
    settings = Settings.from_env(env)
    for module in TABLES:
        settings.table(module)


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("missing", ["absent", "empty"])
def test_a_missing_setting_is_named(name, missing):
    env = {key: value for key, value in LEAST.items() if key != name}
    if missing == "empty":
        env[name] = ""
    with pytest.raises(SettingsError, match=f"^{name}: is not set: it must be"):
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
def test_a_wrong_setting_is_named_with_what_it_should_look_like(name, value):
    with pytest.raises(SettingsError, match=rf"^{name}: .* is not (an?|one|the) ") as error:
        start(LEAST | {name: value})
    assert "\n" not in str(error.value)


AUTH = {name: MOST[name] for name in ("AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS")}
LOCAL_TOKENS = LEAST | AUTH | {"AUTH_ISSUER": "local", "STAGE": "local"}


def test_the_audience_is_in_aud_where_nothing_else_is_said():
    assert Settings.from_env(LEAST | AUTH).auth.audience_claim == "aud"


def test_an_audience_claim_without_an_audience_is_named():
    with pytest.raises(SettingsError, match=r"^AUTH_AUDIENCE_CLAIM: goes with AUTH_AUDIENCE"):
        Settings.from_env(LEAST | {"AUTH_AUDIENCE_CLAIM": "client_id"})


def test_a_scope_prefix_needs_no_issuer():
    """API Gateway's authorizer verifies the tokens, and the service checks the scopes."""
    assert Settings.from_env(LEAST | {"AUTH_SCOPE_PREFIX": "news-api/"}).auth_scope_prefix == "news-api/"


@pytest.mark.parametrize("name", AUTH)
def test_settings_of_tokens_go_together(name):
    env = LEAST | AUTH
    del env[name]
    with pytest.raises(SettingsError, match=f"^{name}: is not set: AUTH_ISSUER, AUTH_AUDIENCE, AUTH_JWKS go"):
        Settings.from_env(env)


def test_the_issuer_of_a_local_run_is_taken_in_one_only():
    assert Settings.from_env(LOCAL_TOKENS).auth.issuer == "local"
    for change in ({"STAGE": "dev"}, {"STAGE": "locals"}, {"AWS_LAMBDA_FUNCTION_NAME": "news"}):
        with pytest.raises(
            SettingsError, match=r"^AUTH_ISSUER: 'local' is the issuer of `make run`"
        ) as error:
            Settings.from_env(LOCAL_TOKENS | change)
        assert "\n" not in str(error.value)


def test_keys_over_plain_http_are_taken_on_a_developers_machine_only():
    plain = AUTH | {"AUTH_JWKS": "http://login.example.com/jwks.json"}
    assert Settings.from_env(LEAST | plain | {"STAGE": "local"}).auth
    assert Settings.from_env(LEAST | plain | {"AUTH_JWKS": "http://127.0.0.1:8080/jwks.json"}).auth
    with pytest.raises(SettingsError, match=r"AUTH_JWKS: .* is not https"):
        Settings.from_env(LEAST | plain)


@pytest.mark.parametrize(
    ("env", "said"), [(LEAST, ""), (LEAST | AUTH, "AUTH_ISSUER: what verifies its tokens")]
)
def test_tokens_are_taken_only_where_what_verifies_them_is_installed(env, said):
    bare = [sys.executable, "-S", "-m", "shared.config"]  # no package of anybody's
    start = subprocess.run(bare, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert start.returncode == bool(said)
    assert start.stderr.startswith(f"settings: {said}" if said else "")
    assert start.stderr.count("\n") == bool(said)


def test_a_file_of_keys_must_be_there(tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text("{}")
    assert Settings.from_env(LEAST | AUTH | {"AUTH_JWKS": str(file)}).auth.jwks == str(file)


@pytest.mark.parametrize(
    "text", ["*", "https://a.example.com", "https://a.example.com http://b.example.com:8080"]
)
def test_origins_are_any_or_a_list(text):
    assert " ".join(Settings.from_env(LEAST | {"CORS_ORIGINS": text}).cors_origins) == text


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
        ("AUTH_ISSUER", LEAST | AUTH | {"AUTH_ISSUER": "local"}),
        ("REDIS_URL", LEAST | {"REDIS_URL": "nonsense"}),
        ("NEWS_TABLE", LEAST | {"NEWS_TABLE": ""}),
        *[
            (name, LEAST | {name: value})
            for name, values in {
                "WORKERS": ["0", "257", "two", "-1", "1.5", " 1", "99999999999999999999"],
                "TIMEOUT": ["0", "1s", "3601"],
                "LIMIT_REQUEST_FIELD_SIZE": ["0", "255", "65537"],
                "MAX_REQUESTS": ["-1", "10000000", "never"],
                "METRICS_BIND": ["127.0.0.1:8000", "10.0.0.1:8000", "nonsense"],
                "BIND": ["8000", ":8000", "127.0.0.1:", "127.0.0.1:0", "h:65536", "h:http", "unix:"],
            }.items()
            for value in values
        ],
    ],
)
def test_a_start_with_a_wrong_setting_is_one_line_and_exit_code_1(name, env):
    start = entrypoint(env)
    assert (start.returncode, start.stdout) == (1, "")
    [line] = start.stderr.splitlines()
    assert line.startswith("settings: ")
    assert name in line


def test_what_gunicorn_is_told_is_what_the_environment_says(tmp_path):
    (tmp_path / "gunicorn.py").write_text("import sys; print(*sys.argv[1:])")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    default = entrypoint(LEAST | {"PYTHON": str(python)}).stdout
    for option in ("--bind 127.0.0.1:8000", "--workers 1", "--timeout 30", "--max-requests 0"):
        assert option in default
    assert "--limit-request-field_size 8190" in default
    given = {
        "BIND": "unix:/run/news.sock",
        "WORKERS": "4",
        "TIMEOUT": "5",
        "MAX_REQUESTS": "9",
    }
    told = entrypoint(LEAST | {"PYTHON": str(python), "LIMIT_REQUEST_FIELD_SIZE": "4096"} | given).stdout
    for option in (
        "--bind unix:/run/news.sock",
        "--workers 4",
        "--timeout 5",
        "--max-requests 9",
    ):
        assert option in told
    assert "--limit-request-field_size 4096" in told
    assert "--graceful-timeout 5" in told


@pytest.mark.parametrize(
    ("kind", "given", "preload"),
    [
        ("on-demand", "", False),
        ("on-demand", "yes", True),
        ("provisioned-concurrency", "", True),
        ("snap-start", "", True),
        ("snap-start", "no", False),
    ],
)
def test_daos_are_made_at_the_start_where_nobody_waits_for_it(kind, given, preload):
    env = LEAST | {"AWS_LAMBDA_INITIALIZATION_TYPE": kind, "PRELOAD": given}
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
def test_base_path_is_read_in_every_spelling(text, base_path):
    assert Settings.from_env(MOST | {"BASE_PATH": text}).base_path == base_path
