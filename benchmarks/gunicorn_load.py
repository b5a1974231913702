"""Cached `GET /news/` under gunicorn, in requests a second, as `ab` and `wrk` count them.

The peers are served by the very command line of entrypoint.sh. All servers are up at once, on the machine
that also runs the load and Valkey, and only one at a time is asked.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cache_rig import GENERATION, LONG_AGO, make_app, valkey
from benchmarks.figure_rig import ROOT, Row, environment, print_rows, row
from benchmarks.news_tables import news_table
from news.dao import NewsDao
from shared.config import Settings
from tools.local.processes import Processes, free_port

ENTRYPOINT = ROOT / "entrypoint.sh"
APP = "functions.wsgi:app"
APPS = {
    "ours": APP,
    "constant": "benchmarks.peers.flask_constant:app",
    "naive": "benchmarks.peers.flask_naive:app",
}
WORKERS = (1, 5, 10)
ROUNDS = 11
REQUESTS = 1920
"""Of a round; eleven make 21,120. Short rounds, and many: connections fall on workers as they like."""

WRK_SECONDS = 1
LOADS = {
    "ab -c 50": ["ab", "-q", "-n", str(REQUESTS), "-c", "50"],
    "ab -c 20": ["ab", "-q", "-n", str(REQUESTS), "-c", "20"],
    "wrk -c 20": ["wrk", "-t", "1", "-c", "20", "-d", f"{WRK_SECONDS}s"],
}


def require_tools() -> None:
    missing = [tool for tool in ("ab", "wrk") if not shutil.which(tool)]
    if missing:
        sys.exit(f"bench: {' and '.join(missing)} missing: apt-get install apache2-utils wrk")


@contextlib.contextmanager
def filled() -> Iterator[dict[str, str]]:
    """The settings of all apps: a database of 1,000 items, and its first page in Valkey.

    The database is there because an overloaded machine may find Valkey too slow, and leave it alone.
    """
    with news_table(1000) as settings, valkey() as server, tempfile.TemporaryDirectory() as folder:
        own = Settings.from_env(settings)
        with server.client() as redis:
            redis.set(GENERATION, LONG_AGO)
            page = make_app(NewsDao(own), server.url).test_client().get("/news/").data
            redis.set("page", page)
        Path(folder, "page.json").write_bytes(page)
        yield settings | {"REDIS_URL": server.url, "PAGE": f"{folder}/page.json"}


@contextlib.contextmanager
def served(settings: dict[str, str], workers: int) -> Iterator[dict[str, str]]:
    """The URLs of all apps, each under a gunicorn of its own."""
    urls, script = {}, ENTRYPOINT.read_text()
    assert APP in script
    with Processes() as processes:
        for name, app in APPS.items():
            bind = f"127.0.0.1:{free_port()}"
            own = settings | {"BIND": bind, "WORKERS": str(workers), "PYTHON": sys.executable}
            given = [f"{variable}={value}" for variable, value in environment(own).items()]
            command = ["env", "-i", *given, "sh", "-c", script.replace(APP, app), str(ENTRYPOINT)]
            processes.start(command, log=Path("/dev/null"))
            urls[name] = f"http://{bind}/news/"
        for url in urls.values():
            wait_until_up(url)
        yield urls


def wait_until_up(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
            return
        time.sleep(0.1)
    sys.exit(f"bench: {url} did not come up")


def requests_per_second(load: list[str], url: str) -> float:
    said = subprocess.run([*load, url], capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx.*|Socket errors.*|Failed requests: +[1-9].*\n.*", said)
    if failed:
        sys.exit(f"bench: {' '.join(load)} {url}: {failed[0]}")
    return float(re.search(r"Requests(?: per second|/sec): +([0-9.]+)", said)[1])


def measure() -> list[Row]:
    require_tools()
    rows = []
    with filled() as settings:
        for workers in WORKERS:
            rates = {(load, name): [] for load in LOADS for name in APPS}
            with served(settings, workers) as urls:
                for _ in range(ROUNDS):
                    for (load, name), counted in rates.items():
                        counted.append(requests_per_second(LOADS[load], urls[name]))
            for load in LOADS:
                figure = f"gunicorn, cached GET, {workers} worker{'s' * (workers > 1)}, {load}"
                ours, constant, naive = (rates[load, name] for name in APPS)
                rows.append(row(figure, "a constant answer", "1/s", ours, constant, 0.6, at_least=True))
                rows.append(row(figure, "the naive view", "1/s", ours, naive, 1.0, at_least=True))
    return rows


if __name__ == "__main__":
    print_rows(measure())
