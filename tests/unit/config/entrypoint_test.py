"""entrypoint.sh: it rejects invalid settings and passes the options to gunicorn."""

import subprocess
import sys

import pytest

from shared.config import Settings
from support.config_values import AUTH, REQUIRED
from support.environment import CLEAN, ROOT


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
