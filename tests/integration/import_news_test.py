"""`make import`: files of news are loaded into a table."""

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
from tools.local import import_news
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


def test_a_file_that_is_loaded_again_creates_nothing(tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(60)] + [sent(1)])
    counts, dao = load(path)
    assert counts == (60, 1, 0)
    assert load(path, dao=dao)[0] == (0, 61, 0)
    assert len(dao.items) == 60


def test_invalid_lines_are_reported_with_number_and_reason_and_the_import_continues(tmp_path, capsys):
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
    errors = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in errors] == [f"line {n}" for n in (2, 4, 5, 6, 8, 9)]
    assert "truncated" in errors[0]
    assert "title" in errors[1]
    assert "not a JSON object" in errors[2]


def test_headlines_are_converted_to_items(tmp_path):
    counts, dao = load(write(tmp_path / "headlines.jsonl", [HEADLINE]), "headlines")
    assert counts == (1, 0, 0)
    [item] = dao.items.values()
    assert (item.title, item.source) == (HEADLINE["title"], "wgbh.org")
    assert (item.category, item.url) == ("technology", HEADLINE["link"])
    assert item.published_at.isoformat() == "2021-11-23T19:42:18+00:00"


def test_control_characters_in_a_headline_are_removed(tmp_path):
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
def test_a_headline_with_an_invalid_field_is_rejected(tmp_path, change):
    assert load(write(tmp_path / "headlines.jsonl", [HEADLINE | change]), "headlines")[0] == (0, 0, 1)


@pytest.mark.parametrize("field", ["title", "domain", "category", "link", "timestamp"])
def test_a_missing_field_of_a_headline_is_named(tmp_path, capsys, field):
    headline = {name: value for name, value in HEADLINE.items() if name != field}
    assert load(write(tmp_path / "headlines.jsonl", [headline]), "headlines")[0] == (0, 0, 1)
    assert capsys.readouterr().err == f"line 1: {field}: is required\n"


def command(path):
    return [sys.executable, "-m", "tools.local.import_news", str(path)]


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
def settings(ministack_url):
    made = settings_for(ministack_url)
    create_tables(made)
    return made


def run(arguments, env, **options):
    return subprocess.run(
        arguments, cwd=ROOT, env=env, capture_output=True, text=True, check=False, **options
    )


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


def ids(settings):
    dao, found, after = NewsDao(settings), [], None
    while True:
        items, after = dao.page(NewsFilter(), after, 100)
        found += [item.id for item in items]
        if after is None:
            return found


def test_the_command_prints_the_counts(settings, tmp_path):
    path = write(tmp_path / "news.jsonl", [sent(1), sent(2), b"{"])
    process = run(command(path), environment(settings))
    assert process.returncode == 0
    assert process.stdout == "2 created, 0 existing, 1 rejected\n"
    assert "line 2" not in process.stderr
    assert "line 3: " in process.stderr
    assert "import: 100%" in process.stderr


def test_an_import_that_was_killed_is_completed_by_the_next_one(settings, tmp_path):
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
    process = run(command(path), environment(settings))
    assert process.stdout == f"{1000 - before} created, {before} existing, 0 rejected\n"
    found = ids(settings)
    assert len(found) == len(set(found)) == 1000


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
def test_byte_order_marks_and_windows_line_ends_are_accepted(tmp_path, content):
    path = tmp_path / "news.jsonl"
    path.write_bytes(content)
    assert load(path)[0] == (2, 0, 0)


@pytest.mark.parametrize("content", [b"", BOM, b"\n\n", BOM + b"\r\n"])
def test_an_empty_file_imports_nothing(tmp_path, content):
    path = tmp_path / "news.jsonl"
    path.write_bytes(content)
    assert load(path)[0] == (0, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_rejected(tmp_path, encoding):
    path = tmp_path / "news.jsonl"
    path.write_bytes(("\ufeff" + line(1).decode()).encode(encoding))
    with pytest.raises(UnreadableFile, match="in UTF-16"):
        load(path)


def test_invalid_utf_8_is_reported_with_its_line(tmp_path, capsys):
    path = write(tmp_path / "news.jsonl", [sent(1), b'{"title": "\xff"}', b"\xc3\x28", b"{\0}", sent(2)])
    assert load(path)[0] == (2, 0, 3)
    assert re.findall(r"^line (\d+): ", capsys.readouterr().err, re.MULTILINE) == ["2", "3", "4"]


def test_a_long_line_is_skipped_in_bounded_memory(tmp_path, capsys):
    path = tmp_path / "news.jsonl"
    with path.open("wb") as file:
        file.write(line(1) + b'{"title": "')
        file.seek(200 * MAX_LINE_BYTES, os.SEEK_CUR)  # a sparse file
        file.write(b'"}\n' + line(2) + b" " * MAX_LINE_BYTES + b"\n" + line(3) + b"x" * MAX_LINE_BYTES)
    tracemalloc.start()
    try:
        assert load(path)[0] == (3, 0, 3)
        assert tracemalloc.get_traced_memory()[1] < 10 * MAX_LINE_BYTES
    finally:
        tracemalloc.stop()
    reported = capsys.readouterr().err.splitlines()
    assert reported == [f"line {n}: longer than 1,048,576 bytes" for n in (2, 4, 6)]


def test_a_reason_is_one_short_printable_line(tmp_path, capsys):
    names = ["a\nline 9: b", "\x1b[31m", "\u2028", "x" * 100_000]
    load(write(tmp_path / "news.jsonl", [sent(1) | {name: 1} for name in names]))
    reported = capsys.readouterr().err
    assert re.findall(r"^line (\d+): ", reported, re.MULTILINE) == ["1", "2", "3", "4"]
    assert max(len(each) for each in reported.split("\n")) < 400
    assert "\x1b" not in reported
    assert "\u2028" not in reported


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
    path = write(tmp_path / "news.jsonl", [sent(n) for n in range(1500)])
    with subprocess.Popen(
        command(path), cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE
    ) as growing:
        wait_for_items(settings)
        with path.open("ab") as file:
            file.write(line(1500))
        assert growing.stdout.read() == b"1501 created, 0 existing, 0 rejected\n"


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


class Failing:
    """A file whose disk fails after the first line."""

    def __init__(self):
        self.parts = [line(1)]

    def readline(self, limit):
        if not self.parts:
            raise OSError(5, "Input/output error")
        return self.parts.pop()


def test_a_disk_error_raises_unreadable_file():
    lines = read_lines(Failing(), READERS["news"])
    assert next(lines).number == 1
    with pytest.raises(UnreadableFile, match="Input/output error"):
        next(lines)


def wait_for_items(settings):
    deadline = time.monotonic() + 30
    while not ids(settings) and time.monotonic() < deadline:
        time.sleep(0.01)


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
    with importing(write(tmp_path / "news.jsonl", [sent(n) for n in range(3000)]), settings) as process:
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


def test_create_tables_creates_missing_tables_only(moto_url, tmp_path):
    env = environment(settings_for(moto_url))
    first, second = (run([sys.executable, "-m", "tools.local.tables"], env) for _ in range(2))
    assert f"tables: {env['NEWS_TABLE']} created\n" in first.stdout
    assert f"tables: {env['NEWS_TABLE']} exists\n" in second.stdout
    wrong = run([sys.executable, "-m", "tools.local.tables"], CLEAN | {"LOCAL": str(tmp_path)})
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("tables: STAGE: not set")
