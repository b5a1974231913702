"""Tables with any number of items, in a dynalite with its data on disk: loaded once and kept in build/.

MiniStack cannot replace it: its queries read the whole table, see tools/local/ministack.py.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from benchmarks.harness import ROOT
from news.dao import NewsDao
from news.model import News
from shared.config import Settings
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import LOCAL_NAMES, TABLES, create_tables

DYNALITE = ROOT / "benchmarks" / "node_modules" / "dynalite" / "cli.js"
FOLDER = ROOT / "build" / "bench"
START = datetime(2020, 1, 1, tzinfo=UTC)
BATCH = 25
THREADS = 8


def item(number: int) -> News:
    url = f"https://example.com/{number}"
    published_at = START + timedelta(minutes=number)
    return News(
        id=str(uuid5(NAMESPACE_URL, url)),
        title=f"Headline number {number}, about as long as real ones",
        url=url,
        source=f"source-{number % 1000}.example.com",
        category=("world", "science", "technology")[number % 3],
        summary="A summary of one or two sentences, like most summaries.",
        published_at=published_at,
        created_at=published_at,
        updated_at=published_at,
        version=1,
    )


def load(settings: Settings, count: int) -> None:
    """Write the items in batches with eight threads. A million items take about ten minutes."""
    create_tables(settings)
    dao, started = NewsDao(settings), time.monotonic()

    def write(first: int) -> None:
        dao.add_many([item(number) for number in range(first, min(first + BATCH, count))])

    with ThreadPoolExecutor(THREADS) as threads:
        for first, _ in zip(range(0, count, BATCH), threads.map(write, range(0, count, BATCH)), strict=True):
            if first and first % 100_000 == 0:
                print(f"  {first} of {count} items, {time.monotonic() - started:.0f} s", file=sys.stderr)


@contextlib.contextmanager
def news_table(count: int) -> Iterator[dict[str, str]]:
    """Yield the settings of a process that reads a table with that many items."""
    if not DYNALITE.exists() or not shutil.which("node"):
        sys.exit("bench: dynalite not found: install Node 20, then run `make bench`")
    folder, complete = FOLDER / f"news-{count}", FOLDER / f"news-{count}.complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with Processes() as processes:
        port = free_port()
        command = ["node", str(DYNALITE), "--host", "127.0.0.1", "--port", str(port), "--path", str(folder)]
        log = FOLDER / f"news-{count}.log"
        wait_for_port(processes.start([*command, "--createTableMs", "0"], log=log), port)
        url = f"http://127.0.0.1:{port}"
        if not complete.exists():
            print(f"bench: loading {count} items into {folder.relative_to(ROOT)}", file=sys.stderr)
            load(
                Settings("local", "us-east-1", {module: module for module in TABLES}, dynamodb_endpoint=url),
                count,
            )
            complete.touch()
        yield {
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_REGION": "us-east-1",
            **LOCAL_NAMES,
            "STAGE": "local",
        }
