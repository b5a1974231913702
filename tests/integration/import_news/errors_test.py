"""Errors of `make import` are one line, and so is the end after Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from support.environment import ROOT
from support.fakes import sent
from support.import_command import command, environment, wait_for_items, write
from tools.local import import_news


@pytest.fixture
def failed_import(monkeypatch):
    """Run the command in this process, and return its error."""

    def call(env, *arguments):
        for name in os.environ.keys() - env.keys():
            monkeypatch.delenv(name)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["import", *map(str, arguments)])
        with pytest.raises(SystemExit) as error:
            import_news.main()
        return error.value.code

    return call


def test_a_missing_table_is_named_with_the_command_that_creates_it(settings, tmp_path, failed_import, caplog):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    error = failed_import(environment(settings) | {"NEWS_TABLE": "absent"}, path)
    assert error.startswith("import: ")
    assert "\n" not in error
    assert "table absent does not exist: run `make create-tables`" in caplog.text


def test_an_unknown_format_is_rejected(failed_import, capsys):
    assert failed_import({}, "README.md", "--format", "x") == 2
    assert "invalid choice: 'x'" in capsys.readouterr().err


def test_without_a_run_the_error_names_make_run(tmp_path, failed_import):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    assert "make run" in failed_import({"LOCAL": str(tmp_path / "none")}, path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "can't read {}: Is a directory"),
        ("folder/none.jsonl", "there is no file {}"),
        ("news.jsonl/x", "can't read {}: Not a directory"),
        ("x" * 300, "can't read {}: File name too long"),
        ("socket", "can't read {}: No such device or address"),
    ],
)
def test_an_unreadable_file_fails_with_one_line(settings, tmp_path, failed_import, name, reason):
    write(tmp_path / "news.jsonl", [sent(1)])
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    error = failed_import(environment(settings), tmp_path / name)
    assert error == f"import: {reason.format(tmp_path / name)}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads any file")
def test_a_file_of_another_user_fails_with_one_line(settings, tmp_path, failed_import):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    path.chmod(0)
    error = failed_import(environment(settings), path)
    assert error == f"import: can't read {path}: Permission denied"


def interrupt(process):
    """Send SIGINT, and verify that the import ends with one line and exit code 130."""
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert re.split(r"[\r\n]+", errors.strip())[-1].startswith("import: interrupted; stored items stay")
    assert "Traceback" not in errors


def importing(path, settings, **env):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command(path), cwd=ROOT, env=environment(settings) | env, **pipes)


def test_ctrl_c_during_the_import_prints_one_line(settings, tmp_path):
    with importing(write(tmp_path / "news.jsonl", [sent(n) for n in range(20_000)]), settings) as process:
        wait_for_items(settings)
        interrupt(process)


def test_ctrl_c_while_waiting_for_a_pipe_prints_one_line(settings, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    process = importing(tmp_path / "pipe", settings)
    with process, (tmp_path / "pipe").open("wb"):  # blocks until the import opens it
        interrupt(process)


def test_ctrl_c_at_startup_prints_one_line(settings, tmp_path):
    (tmp_path / "tqdm.py").write_text(
        f"import time; open({str(tmp_path / 'up')!r}, 'w').close(); time.sleep(60)"
    )
    with importing(write(tmp_path / "news.jsonl", [sent(1)]), settings, PYTHONPATH=str(tmp_path)) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "up").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        interrupt(process)


def test_a_closed_output_fails_with_one_line(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    reader, writer = os.pipe()
    os.close(reader)
    for output in (writer, os.open("/dev/full", os.O_WRONLY)):
        process = subprocess.run(
            command(path),
            cwd=ROOT,
            env=environment(settings),
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(output)
        assert process.returncode == 1
        last = process.stderr.decode().splitlines()[-1]
        assert re.fullmatch(
            r"import: [01] created, .* 0 rejected; standard output: (Broken pipe|No space .*)", last
        )
        assert b"Exception ignored" not in process.stderr


def test_a_database_that_denies_access_fails_with_one_line(settings, tmp_path, failed_import):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=deny_access, args=[server], daemon=True).start()
        endpoint = {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{server.getsockname()[1]}"}
        error = failed_import(environment(settings) | endpoint, path)
    assert "AccessDeniedException" in error
    assert "\n" not in error


def deny_access(server):
    body = b'{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not you"}'
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
