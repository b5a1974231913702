"""`make import`: files of news are loaded into a table."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from support.environment import CLEAN, ROOT, settings_for
from support.fakes import sent
from support.import_command import BOM, command, environment, ids, line, run, wait_for_items, write


def test_the_command_prints_the_counts(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1), sent(2), b"{"])
    process = run(command(path), environment(settings))
    assert process.returncode == 0
    assert process.stdout == "2 created, 0 existing, 1 rejected\n"
    assert "line 2" not in process.stderr
    assert "line 3: " in process.stderr
    assert "import: 100%" in process.stderr


def test_an_import_that_was_killed_is_completed_by_the_next_one(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(3000)])
    killed = subprocess.Popen(
        command(path),
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for_items(settings)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    before = len(ids(settings))
    assert 0 < before < 3000
    process = run(command(path), environment(settings))
    assert process.stdout == f"{3000 - before} created, {before} existing, 0 rejected\n"
    found = ids(settings)
    assert len(found) == len(set(found)) == 3000


def test_a_named_pipe_is_imported(settings, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'printf "%s" "$1" >"$2"', "sh", BOM + line(1) + line(2), pipe]):
        process = run(command(pipe), environment(settings), timeout=60)
    assert (process.returncode, process.stdout) == (0, "2 created, 0 existing, 0 rejected\n")


@pytest.mark.skipif(not shutil.which("bash"), reason="process substitution needs bash")
def test_make_import_accepts_a_process_substitution_standard_input_and_any_file_name(settings, tmp_path):
    write(tmp_path / "it's $HOME & `more`.jsonl", [sent(1), sent(2)])
    script = 'make import FILE=<(cat "$1") && make import FILE="$1" && cat "$1" | make import FILE=-'
    process = run(
        ["bash", "-c", script, "bash", str(tmp_path / "it's $HOME & `more`.jsonl")],
        environment(settings),
        timeout=90,
    )
    assert process.returncode == 0, process.stderr
    counts = ["2 created, 0 existing, 0 rejected", *["0 created, 2 existing, 0 rejected"] * 2]
    assert [each for each in process.stdout.splitlines() if "created" in each] == counts


def test_a_growing_file_is_imported_to_its_end(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(3000)])
    with subprocess.Popen(
        command(path), cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE
    ) as growing:
        wait_for_items(settings)
        with path.open("ab") as file:
            file.write(line(3000))
        assert growing.stdout.read() == b"3001 created, 0 existing, 0 rejected\n"


def test_create_tables_creates_missing_tables_only(moto_url, tmp_path):
    env = environment(settings_for(moto_url))
    first, second = (run([sys.executable, "-m", "tools.local.tables"], env) for _ in range(2))
    assert f"tables: {env['NEWS_TABLE']} created\n" in first.stdout
    assert f"tables: {env['NEWS_TABLE']} exists\n" in second.stdout
    wrong = run([sys.executable, "-m", "tools.local.tables"], CLEAN | {"LOCAL": str(tmp_path)})
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("tables: STAGE: not set")
