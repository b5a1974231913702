"""Cached `GET /news/` under gunicorn, in requests per second, measured by `ab` and `wrk`.

The peers run with the command line of entrypoint.sh. All servers run at once, on the machine that also runs
Valkey and the load generator, but only one at a time gets requests.
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

from benchmarks.cache_harness import GENERATION, OLD_GENERATION, make_app, valkey
from benchmarks.harness import ROOT, Row, environment, print_rows, row
from benchmarks.news_tables import news_table
from news.dao import NewsDao
from shared.config import Settings
from tools.local.processes import Processes, free_port

ENTRYPOINT = ROOT / "entrypoint.sh"
APP = "functions.wsgi:app"
APPS = {
    "ours": APP,
    "constant": "benchmarks.peers.flask_constant:app",
    "redis": "benchmarks.peers.flask_redis:app",
    "naive": "benchmarks.peers.flask_naive:app",
}
WORKERS = (1, 5, 10)
ROUNDS = 11
REQUESTS = 1920
"""Requests per round. Many short rounds even out how the kernel distributes connections to workers."""

WRK_SECONDS = 1
LOADS = {
    "ab -c 50": ["ab", "-q", "-n", str(REQUESTS), "-c", "50"],
    "ab -c 20": ["ab", "-q", "-n", str(REQUESTS), "-c", "20"],
    "wrk -c 20": ["wrk", "-t", "1", "-c", "20", "-d", f"{WRK_SECONDS}s"],
}


def require_tools() -> None:
    missing = [tool for tool in ("ab", "wrk") if not shutil.which(tool)]
    if missing:
        sys.exit(f"bench: {' and '.join(missing)} not found: apt-get install apache2-utils wrk")


@contextlib.contextmanager
def warm_cache() -> Iterator[dict[str, str]]:
    """Yield the settings of all apps: a table of 1,000 items, and its first page in Valkey.

    The table is needed because on an overloaded machine Valkey can be slow enough to open the circuit.
    """
    with news_table(1000) as settings, valkey() as server, tempfile.TemporaryDirectory() as folder:
        own = Settings.from_env(settings)
        with server.client() as redis:
            redis.set(GENERATION, OLD_GENERATION)
            page = make_app(NewsDao(own), server.url).test_client().get("/news/").data
            redis.set("page", page)
        Path(folder, "page.json").write_bytes(page)
        yield settings | {"REDIS_URL": server.url, "PAGE": f"{folder}/page.json"}


@contextlib.contextmanager
def gunicorn_servers(settings: dict[str, str], workers: int) -> Iterator[dict[str, str]]:
    """Run each app under its own gunicorn, and yield the URLs by app."""
    urls, script = {}, ENTRYPOINT.read_text()
    assert APP in script
    with Processes() as processes:
        for name, app in APPS.items():
            bind = f"127.0.0.1:{free_port()}"
            own = settings | {"BIND": bind, "WORKERS": str(workers), "PYTHON": sys.executable}
            variables = [f"{name}={value}" for name, value in environment(own).items()]
            command = ["env", "-i", *variables, "sh", "-c", script.replace(APP, app), str(ENTRYPOINT)]
            processes.start(command, log=Path("/dev/null"))
            urls[name] = f"http://{bind}/news/"
        for url in urls.values():
            wait_until_up(url)
        yield urls


def wait_until_up(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:
            assert response.status == 200
            return
        time.sleep(0.1)
    sys.exit(f"bench: {url} did not start within 30 s")


def requests_per_second(load: list[str], url: str) -> float:
    output = subprocess.run([*load, url], capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Non-2xx.*|Socket errors.*|Failed requests: +[1-9].*\n.*", output)
    if failed:
        sys.exit(f"bench: {' '.join(load)} {url}: {failed[0]}")
    return float(re.search(r"Requests(?: per second|/sec): +([0-9.]+)", output)[1])


def measure() -> list[Row]:
    require_tools()
    rows = []
    with warm_cache() as settings:
        for workers in WORKERS:
            rates = {(load, name): [] for load in LOADS for name in APPS}
            with gunicorn_servers(settings, workers) as urls:
                for _ in range(ROUNDS):
                    for (load, name), measured in rates.items():
                        measured.append(requests_per_second(LOADS[load], urls[name]))
            for load in LOADS:
                figure = f"gunicorn, cached GET, {workers} worker{'s' * (workers > 1)}, {load}"
                ours, constant, redis, naive = (rates[load, name] for name in APPS)
                rows.append(row(figure, "a constant response", "1/s", ours, constant, 0.7, at_least=True))
                rows.append(row(figure, "a view with one Redis GET", "1/s", ours, redis, None))
                rows.append(row(figure, "the naive view", "1/s", ours, naive, 1.0, at_least=True))
    return rows


if __name__ == "__main__":
    print_rows(measure())
