"""Settings of authentication."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from shared.config import Settings, SettingsError
from support.config_values import AUTH, REQUIRED
from support.environment import ROOT

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
def test_auth_settings_require_the_packages_that_verify_tokens(env, message, tmp_path):
    (tmp_path / "msgspec").symlink_to(Path(msgspec.__file__).parent)  # the only package besides Python's own
    bare = [sys.executable, "-S", "-m", "shared.config"]
    env = env | {"PYTHONPATH": str(tmp_path)}
    start = subprocess.run(bare, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert start.returncode == bool(message)
    assert start.stderr.startswith(f"settings: {message}" if message else "")
    assert start.stderr.count("\n") == bool(message)


def test_the_keys_can_be_a_file(tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text("{}")
    assert Settings.from_env(REQUIRED | AUTH | {"AUTH_JWKS": str(file)}).auth.jwks == str(file)
