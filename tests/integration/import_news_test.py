"""`make import`: files of news into a table."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest

from news.dao import NewsDao
from news.model import NewsFilter
from news.service import NewsService
from support.environment import CLEAN, ROOT, settings_for, table_settings
from support.fakes import FakeDao, clock, sent
from tools.local.bulk_import import import_lines
from tools.local.import_formats import READERS
from tools.local.json_lines import MAX_LINE_BYTES, UnreadableFile, read_lines
from tools.local.tables import create_tables

HEADLINE = {
    "title": "Why do all microwaves have the same 'beep'?",
    "domain": "wgbh.org",
    "category": "technology",
    "link": "https://www.wgbh.org/news/beep",
    "sentiment": 0,
    "timestamp": 1637696538,
    "published": "November 23, 2021 2:42 PM",
}


def write(path, lines):
    text = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path.write_bytes(b"\n".join(text) + b"\n")
    return path


def load(path, reader="news", dao=None):
    dao = dao or FakeDao()
    with path.open("rb") as file:
        counts = import_lines(read_lines(file, READERS[reader]), NewsService(dao, now=clock()))
    return counts, dao


def test_a_file_is_loaded_once(tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(60)] + [sent(1)])
    counts, dao = load(path)
    assert counts == (60, 1, 0)
    assert load(path, dao=dao)[0] == (0, 61, 0)
    assert len(dao.items) == 60


def test_bad_lines_are_reported_with_number_and_reason_and_stop_nothing(tmp_path, capsys):
    lines = [
        sent(1),
        b"{",
        b"",
        sent(2, title=""),
        b"[]",
        b'{"title": NaN}',
        sent(3),
        b'{"a": 1, "a": 2}',
        b"\xff",
    ]
    counts, dao = load(write(tmp_path / "news.jsonl", lines))
    assert counts == (2, 0, 6)
    assert len(dao.items) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"line {n}" for n in (2, 4, 5, 6, 8, 9)]
    assert "truncated" in said[0]
    assert "title" in said[1]
    assert "not a JSON object" in said[2]


def test_headlines_are_read(tmp_path):
    counts, dao = load(write(tmp_path / "headlines.jsonl", [HEADLINE]), "headlines")
    assert counts == (1, 0, 0)
    [item] = dao.items.values()
    assert (item.title, item.source) == (HEADLINE["title"], "wgbh.org")
    assert (item.category, item.url) == ("technology", HEADLINE["link"])
    assert item.published_at.isoformat() == "2021-11-23T19:42:18+00:00"


def test_a_headline_is_read_without_the_control_characters_in_it(tmp_path):
    headline = HEADLINE | {"title": 'She said: "\x80\x98You are\n our pride"'}
    counts, dao = load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")
    assert counts == (1, 0, 0)
    assert [item.title for item in dao.items.values()] == ['She said: "You are our pride"']


def test_lines_with_equivalent_urls_are_one_item(tmp_path):
    urls = ("https://example.com/1", "HTTPS://Example.com:443/1#top", "https://EXAMPLE.com/1#")
    path = write(tmp_path / "news.jsonl", [sent(url=url) for url in urls])
    counts, dao = load(path)
    assert counts == (1, 2, 0)
    assert load(path, dao=dao)[0] == (0, 3, 0)


@pytest.mark.parametrize(
    "change", [{"title": 5}, {"timestamp": "soon"}, {"timestamp": 1e20}, {"timestamp": None}, {"link": 5}]
)
def test_a_headline_with_a_wrong_field_is_refused(tmp_path, change):
    assert load(write(tmp_path / "headlines.jsonl", [HEADLINE | change]), "headlines")[0] == (0, 0, 1)


@pytest.mark.parametrize("field", ["title", "domain", "category", "link", "timestamp"])
def test_a_headline_without_a_field_is_refused_by_its_name(tmp_path, capsys, field):
    headline = {name: value for name, value in HEADLINE.items() if name != field}
    assert load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")[0] == (0, 0, 1)
    assert capsys.readouterr().err == f"line 1: {field}: is required\n"


def command(path, *more):
    return [sys.executable, "-m", "tools.local.import_news", str(path), *more]


def environment(settings):
    return CLEAN | {
        "STAGE": "local",
        "AWS_REGION": settings.region,
        **table_settings(settings),
        "AWS_ENDPOINT_URL_DYNAMODB": settings.dynamodb_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture
def settings(moto_url):
    made = settings_for(moto_url)
    create_tables(made)
    return made


def run(arguments, env, **options):
    return subprocess.run(
        arguments, cwd=ROOT, env=env, capture_output=True, text=True, check=False, **options
    )


def ids(settings):
    dao, found, after = NewsDao(settings), [], None
    while True:
        items, after = dao.page(NewsFilter(), after, 100)
        found += [item.id for item in items]
        if after is None:
            return found


def test_the_command_ends_with_the_counts(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1), sent(2), b"{"])
    done = run(command(path), environment(settings))
    assert done.returncode == 0
    assert done.stdout == "2 created, 0 already there, 1 refused\n"
    assert "line 2" not in done.stderr
    assert "line 3: " in done.stderr
    assert "import: 100%" in done.stderr


def test_an_import_killed_half_way_and_run_again_misses_and_doubles_nothing(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(1000)])
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
    assert 0 < before < 1000
    done = run(command(path), environment(settings))
    assert done.stdout == f"{1000 - before} created, {before} already there, 0 refused\n"
    found = ids(settings)
    assert len(found) == len(set(found)) == 1000


def test_an_import_into_a_table_that_is_absent_ends_with_one_line(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    done = run(command(path), environment(settings) | {"NEWS_TABLE": "absent"})
    assert done.returncode == 1
    assert "make create-tables" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nix.jsonl"], "there is no file nix.jsonl"), (["README.md", "--format", "x"], "invalid choice")],
)
def test_wrong_arguments_are_said_in_a_line(settings, arguments, says):
    done = run(command(*arguments), environment(settings))
    assert done.returncode != 0
    assert says in done.stderr.splitlines()[-1]


def test_an_import_with_no_run_up_says_what_to_do(tmp_path):
    done = run(command(write(tmp_path / "news.jsonl", [sent(1)])), CLEAN | {"LOCAL": str(tmp_path / "none")})
    assert done.returncode == 1
    assert "make run" in done.stderr


BOM = b"\xef\xbb\xbf"


def line(n):
    return json.dumps(sent(n)).encode() + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        BOM + line(1) + line(2),
        BOM + b"\n" + line(1) + b"\r\n \t\n" + line(2).rstrip(),
        line(1).replace(b"\n", b"\r\n") + line(2).replace(b"\n", b"\r\n"),
        BOM + line(1) + BOM + line(2),  # cat a.jsonl b.jsonl
    ],
)
def test_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path, content):
    path = tmp_path / "news.jsonl"
    path.write_bytes(content)
    assert load(path)[0] == (2, 0, 0)


@pytest.mark.parametrize("content", [b"", BOM, b"\n\n", BOM + b"\r\n"])
def test_a_file_without_items_is_no_error(tmp_path, content):
    path = tmp_path / "news.jsonl"
    path.write_bytes(content)
    assert load(path)[0] == (0, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_refused_as_a_whole(tmp_path, encoding):
    path = tmp_path / "news.jsonl"
    path.write_bytes(("\ufeff" + line(1).decode()).encode(encoding))
    with pytest.raises(UnreadableFile, match="in UTF-16"):
        load(path)


def test_invalid_utf_8_is_reported_with_its_line(tmp_path, capsys):
    path = write(tmp_path / "news.jsonl", [sent(1), b'{"title": "\xff"}', b"\xc3\x28", b"{\0}", sent(2)])
    assert load(path)[0] == (2, 0, 3)
    assert re.findall(r"^line (\d+): ", capsys.readouterr().err, re.MULTILINE) == ["2", "3", "4"]


def test_a_line_that_is_too_long_is_reported_and_skipped_in_little_memory(tmp_path, capsys):
    path = tmp_path / "news.jsonl"
    with path.open("wb") as file:
        file.write(line(1) + b'{"title": "')
        file.seek(200 * MAX_LINE_BYTES, os.SEEK_CUR)  # of zeros, which take no room on the disk
        file.write(b'"}\n' + line(2) + b" " * MAX_LINE_BYTES + b"\n" + line(3) + b"x" * MAX_LINE_BYTES)
    tracemalloc.start()
    try:
        assert load(path)[0] == (3, 0, 3)
        assert tracemalloc.get_traced_memory()[1] < 10 * MAX_LINE_BYTES
    finally:
        tracemalloc.stop()
    reported = capsys.readouterr().err.splitlines()
    assert reported == [f"line {n}: longer than 1,048,576 bytes" for n in (2, 4, 6)]


def test_a_reason_is_one_short_line_whatever_the_file_holds(tmp_path, capsys):
    names = ["a\nline 9: b", "\x1b[31m", "\u2028", "x" * 100_000]
    load(write(tmp_path / "news.jsonl", [sent(1) | {name: 1} for name in names]))
    reported = capsys.readouterr().err
    assert re.findall(r"^line (\d+): ", reported, re.MULTILINE) == ["1", "2", "3", "4"]
    assert max(len(each) for each in reported.split("\n")) < 400
    assert "\x1b" not in reported
    assert "\u2028" not in reported


def test_a_named_pipe_is_read(settings, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'printf "%s" "$1" >"$2"', "sh", BOM + line(1) + line(2), pipe]):
        done = run(command(pipe), environment(settings), timeout=60)
    assert (done.returncode, done.stdout) == (0, "2 created, 0 already there, 0 refused\n")


@pytest.mark.skipif(not shutil.which("bash"), reason="process substitution is bash's")
def test_make_import_reads_a_process_substitution_and_a_name_with_odd_characters(settings, tmp_path):
    write(tmp_path / "it's $HOME & `more`.jsonl", [sent(1), sent(2)])
    script = 'make import FILE=<(cat "$1") && make import FILE="$1" && cat "$1" | make import FILE=-'
    done = run(
        ["bash", "-c", script, "bash", str(tmp_path / "it's $HOME & `more`.jsonl")],
        environment(settings),
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    counts = ["2 created, 0 already there, 0 refused", *["0 created, 2 already there, 0 refused"] * 2]
    assert [each for each in done.stdout.splitlines() if "created" in each] == counts


def test_a_file_that_grows_is_read_to_its_end(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(3000)])
    with subprocess.Popen(
        command(path), cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE
    ) as growing:
        wait_for_items(settings)
        with path.open("ab") as file:
            file.write(line(3000))
        assert growing.stdout.read() == b"3001 created, 0 already there, 0 refused\n"


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
def test_a_file_that_cannot_be_read_is_said_in_one_line(settings, tmp_path, name, reason):
    write(tmp_path / "news.jsonl", [sent(1)])
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    done = run(command(tmp_path / name), environment(settings))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"import: {reason.format(tmp_path / name)}\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads any file")
def test_a_file_of_somebody_else_is_said_in_one_line(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    path.chmod(0)
    assert (
        run(command(path), environment(settings)).stderr == f"import: can't read {path}: Permission denied\n"
    )


class Failing:
    """A file on a disk that fails after the first line."""

    def __init__(self):
        self.parts = [line(1)]

    def readline(self, limit):
        if not self.parts:
            raise OSError(5, "Input/output error")
        return self.parts.pop()


def test_a_disk_that_fails_is_reported():
    lines = read_lines(Failing(), READERS["news"])
    assert next(lines).number == 1
    with pytest.raises(UnreadableFile, match="Input/output error"):
        next(lines)


def wait_for_items(settings):
    deadline = time.monotonic() + 30
    while not ids(settings) and time.monotonic() < deadline:
        time.sleep(0.01)


def interrupted(process):
    """Send Ctrl-C's signal, and check how an import ends."""
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, "")
    assert re.split(r"[\r\n]+", errors.strip())[-1].startswith("import: interrupted; what is stored stays")
    assert "Traceback" not in errors


def importing(path, settings, **env):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command(path), cwd=ROOT, env=environment(settings) | env, **pipes)


def test_ctrl_c_while_it_loads_is_one_line_and_exit_code_130(settings, tmp_path):
    with importing(write(tmp_path / "news.jsonl", [sent(n) for n in range(3000)]), settings) as process:
        wait_for_items(settings)
        interrupted(process)


def test_ctrl_c_while_it_waits_for_a_pipe_is_one_line_and_exit_code_130(settings, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    process = importing(tmp_path / "pipe", settings)
    with process, (tmp_path / "pipe").open("wb"):  # which opens when the import does
        interrupted(process)


def test_ctrl_c_while_it_starts_is_one_line_and_exit_code_130(settings, tmp_path):
    (tmp_path / "tqdm.py").write_text(
        f"import time; open({str(tmp_path / 'up')!r}, 'w').close(); time.sleep(60)"
    )
    with importing(write(tmp_path / "news.jsonl", [sent(1)]), settings, PYTHONPATH=str(tmp_path)) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "up").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        interrupted(process)


def test_a_closed_output_is_said_in_one_line(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    reader, writer = os.pipe()
    os.close(reader)
    for output in (writer, os.open("/dev/full", os.O_WRONLY)):
        done = subprocess.run(
            command(path),
            cwd=ROOT,
            env=environment(settings),
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(output)
        assert done.returncode == 1
        last = done.stderr.decode().splitlines()[-1]
        assert re.fullmatch(
            r"import: [01] created, .* 0 refused; standard output: (Broken pipe|No space .*)", last
        )
        assert b"Exception ignored" not in done.stderr


def test_a_database_that_refuses_the_caller_is_said_in_one_line(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1)])
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=refuse, args=[server], daemon=True).start()
        endpoint = {"AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{server.getsockname()[1]}"}
        done = run(command(path), environment(settings) | endpoint, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "AccessDeniedException" in done.stderr.splitlines()[-1]


def refuse(server):
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


def test_tables_are_created_once(moto_url, tmp_path):
    env = environment(settings_for(moto_url))
    first, second = (run([sys.executable, "-m", "tools.local.tables"], env) for _ in range(2))
    assert f"tables: {env['NEWS_TABLE']} is created\n" in first.stdout
    assert f"tables: {env['NEWS_TABLE']} is there\n" in second.stdout
    wrong = run([sys.executable, "-m", "tools.local.tables"], CLEAN | {"LOCAL": str(tmp_path)})
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("tables: STAGE: not set")
