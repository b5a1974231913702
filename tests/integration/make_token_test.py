"""`make token`: a token for the local run that is up, and for no other."""

import stat
import subprocess
import sys

import jwt
import pytest
import requests

from support.environment import CLEAN, ROOT
from support.fakes import sent
from support.local_run import LocalRun


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with LocalRun(tmp_path_factory.mktemp("run")) as started:
        yield started


def make_token(**env):
    return subprocess.run(
        [sys.executable, "-m", "tools.local.token"],
        cwd=ROOT,
        env=CLEAN | env,
        capture_output=True,
        text=True,
        check=False,
    )


def post(run, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(f"{run.url}/news/", json=sent("token"), headers=headers, timeout=10).status_code


def test_a_token_lets_write_for_a_quarter_of_an_hour(local):
    token = local.token()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["scope"] == "news:write"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert post(local, token) in {200, 201}


def test_a_token_of_another_scope_does_not(local):
    assert post(local, local.token("news:read")) == 403


def test_a_token_of_another_run_does_not(local, tmp_path):
    with LocalRun(tmp_path) as other:
        assert post(local, other.token()) == 401


def test_the_private_key_is_its_owners_only(local):
    assert stat.S_IMODE((local.folder / "token-key.pem").stat().st_mode) == 0o600


def test_without_a_run_it_says_what_to_do(tmp_path):
    done = make_token(LOCAL=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "start `make run` first" in done.stderr


def test_a_run_of_another_issuer_has_no_local_tokens(tmp_path):
    (tmp_path / "jwks.json").write_text('{"keys": []}')
    env = {"AUTH_ISSUER": "https://login.example.com/", "AUTH_AUDIENCE": "news"}
    with LocalRun(tmp_path, AUTH_JWKS=str(tmp_path / "jwks.json"), **env) as run:
        done = make_token(LOCAL=str(tmp_path))
        assert done.returncode == 1
        assert "another issuer" in done.stderr
        assert requests.post(f"{run.url}/news/", json=sent(), timeout=10).status_code == 401


def test_a_run_of_another_stage_takes_no_local_tokens(tmp_path, local):
    with LocalRun(tmp_path, STAGE="dev") as run:
        assert post(run, local.token()) == 403
        assert make_token(LOCAL=str(tmp_path)).returncode == 1
