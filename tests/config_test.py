"""Settings: what is read from the environment, and what is said of a wrong one."""

import subprocess
import sys

import pytest
from conftest import CLEAN, ROOT

from shared.config import Settings, SettingsError

LEAST = {"STAGE": "dev", "AWS_REGION": "eu-central-1", "NEWS_TABLE": "news-dev"}
MOST = LEAST | {
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:4567",
    "REDIS_URL": "rediss://user:secret@cache.example.com:6379/0",
    "LOG_LEVEL": "debug",
    "BASE_PATH": "shop/v1",
    "FEED_SHARDS": "64",
}


def test_without_the_optional_ones_settings_have_defaults():
    assert Settings.from_env(LEAST) == Settings(stage="dev", region="eu-central-1", news_table="news-dev")
    assert Settings.from_env(LEAST | dict.fromkeys(MOST.keys() - LEAST, "")) == Settings.from_env(LEAST)


def test_every_setting_is_read():
    assert Settings.from_env(MOST) == Settings(
        stage="dev",
        region="eu-central-1",
        news_table="news-dev",
        dynamodb_endpoint="http://127.0.0.1:4567",
        redis_url="rediss://user:secret@cache.example.com:6379/0",
        log_level="DEBUG",
        base_path="shop/v1",
        feed_shards=64,
    )


@pytest.mark.parametrize("url", ["redis://h", "redis://h:1/0", "redis://:p@h", "unix:///run/redis.sock?db=1"])
def test_every_form_of_a_redis_url_is_taken(url):
    assert Settings.from_env(LEAST | {"REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("missing", ["absent", "empty"])
def test_a_missing_setting_is_named(name, missing):
    env = {key: value for key, value in LEAST.items() if key != name}
    if missing == "empty":
        env[name] = ""
    with pytest.raises(SettingsError, match=f"^{name}: is not set: it must be"):
        Settings.from_env(env)


@pytest.mark.parametrize(
    ("name", "value"),
    [
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
        ("BASE_PATH", "/v1"),
        ("BASE_PATH", "v1/"),
        ("BASE_PATH", "a//b"),
        ("BASE_PATH", "v 1"),
        ("BASE_PATH", "ä"),
        ("BASE_PATH", "v1?"),
        ("FEED_SHARDS", "0"),
        ("FEED_SHARDS", "65"),
        ("FEED_SHARDS", "1_0"),
        ("FEED_SHARDS", "two"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_look_like(name, value):
    with pytest.raises(SettingsError, match=rf"^{name}: .* is not (an?|one|the) ") as error:
        Settings.from_env(LEAST | {name: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "env", [{}, LEAST | {"REDIS_URL": "nonsense"}, LEAST | {"WORKERS": "0"}, LEAST | {"TIMEOUT": "1s"}]
)
def test_a_start_with_a_wrong_setting_is_one_line_and_exit_code_1(env):
    start = subprocess.run(
        [ROOT / "entrypoint.sh"],
        env={"PATH": CLEAN["PATH"], "PYTHON": sys.executable} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert start.returncode == 1
    assert start.stdout == ""
    [line] = start.stderr.splitlines()
    assert line.startswith("settings: ")
    assert any(name in line for name in ("STAGE", "REDIS_URL", "WORKERS", "TIMEOUT"))
