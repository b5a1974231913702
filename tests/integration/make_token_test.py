"""`make token`: access tokens of the current local run."""

import stat
import subprocess
import sys

import jwt
import requests

from support.environment import CLEAN, ROOT
from support.fakes import sent
from support.local_run import LocalRun
from tools.local import token


def make_token(**env):
    return subprocess.run(
        [sys.executable, "-m", "tools.local.token"],
        cwd=ROOT,
        env=CLEAN | env,
        capture_output=True,
        text=True,
        check=False,
    )


def post(run, access_token):
    headers = {"Authorization": f"Bearer {access_token}"}
    return requests.post(f"{run.url}/news/", json=sent("token"), headers=headers, timeout=10).status_code


def test_a_token_allows_writes_for_15_minutes(local):
    made = local.token()
    claims = jwt.decode(made, options={"verify_signature": False})
    assert claims["scope"] == "news:write"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert post(local, made) in {200, 201}


def test_a_token_with_another_scope_gets_403(local):
    assert post(local, local.token("news:read")) == 403


def test_a_token_of_another_run_gets_401(local, tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path))
    token.make_key()
    assert post(local, token.make_token("news:write")) == 401


def test_only_the_owner_can_read_the_private_key(local):
    assert stat.S_IMODE((local.folder / "token-key.pem").stat().st_mode) == 0o600


def test_without_a_run_the_error_names_make_run(tmp_path):
    process = make_token(LOCAL=str(tmp_path))
    assert (process.returncode, process.stdout) == (1, "")
    assert "start `make run` first" in process.stderr


def test_a_run_with_another_issuer_rejects_local_tokens(tmp_path):
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    env = {"AUTH_ISSUER": "https://login.example.com/", "AUTH_AUDIENCE": "news"}
    with LocalRun(tmp_path, AUTH_JWKS=str(tmp_path / "jwks.json"), **env) as run:
        process = make_token(LOCAL=str(tmp_path))
        assert process.returncode == 1
        assert "another issuer" in process.stderr
        assert requests.post(f"{run.url}/news/", json=sent(), timeout=10).status_code == 401


def test_a_run_of_another_stage_rejects_local_tokens(tmp_path, local):
    with LocalRun(tmp_path, STAGE="dev") as run:
        assert post(run, local.token()) == 403
        assert make_token(LOCAL=str(tmp_path)).returncode == 1
