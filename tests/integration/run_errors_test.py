"""`make run` fails with one line for a setting, port or folder that it cannot use."""

import os
import socket
import sys

import pytest

from support.environment import ROOT
from support.local_run import failed_start, mode
from tools.local import run, run_env
from tools.local.processes import StartError, wait_for_port


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


def test_a_server_that_ends_at_once_raises_an_error(processes, tmp_path):
    with pytest.raises(StartError, match="did not start"):
        wait_for_port(processes.start([sys.executable, "-c", ""], log=tmp_path / "log"), 1)
