"""Compares gunicorn's worker types: requests per second and CPU time per request, in interleaved rounds.

Columns: `new` opens a connection per request, `kept` uses keep-alive, `5 ms` has no cache and a database that
takes 5 ms, `stalled` says if a request is served while 8 clients have sent only half a request.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cache_harness import valkey
from tools.local.processes import Processes, free_port, wait_for_port

WORKER_TYPES = {
    "sync": [],
    "gthread, 4 threads": ["--threads", "4"],
    "gevent": ["--worker-class", "shared.gunicorn.worker.Worker"],
}
CLIENTS = 20
DATABASE_SECONDS = 0.005


class SlowDynamoDb(BaseHTTPRequestHandler):
    """Returns one item after DATABASE_SECONDS."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # sends head and body together, otherwise the body waits 40 ms for a delayed ACK
    item = {
        name: {"S": value}
        for name, value in {
            "id": "00000000-0000-0000-0000-000000000000",
            "title": "Title",
            "url": "https://example.com/",
            "source": "example.com",
            "category": "world",
            "feed": "all#0",
            "sort": "2026-01-01T00:00:00.000000Z#00000000-0000-0000-0000-000000000000",
            "published_at": "2026-01-01T00:00:00.000000Z",
            "created_at": "2026-01-01T00:00:00.000000Z",
            "updated_at": "2026-01-01T00:00:00.000000Z",
        }.items()
    } | {"version": {"N": "1"}}
    response = json.dumps({"Items": [item], "Count": 1, "ScannedCount": 1}).encode()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(DATABASE_SECONDS)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.response)))
        self.end_headers()
        self.wfile.write(self.response)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def slow_dynamodb() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowDynamoDb)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextlib.contextmanager
def gunicorn(worker_type: str, workers: int, env: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Run the service and yield its port and process id."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "functions.wsgi:app", "--bind", f"127.0.0.1:{port}"]
    command += [
        "--workers",
        str(workers),
        "--no-control-socket",
        "--log-level",
        "error",
        *WORKER_TYPES[worker_type],
    ]
    with TemporaryDirectory() as folder, Processes() as processes:
        process = processes.start(command, env, Path(folder) / "log")
        wait_for_port(process, port)
        for _ in range(20):  # warms up every worker
            send_request(port)
        yield port, process.pid


def send_request(port: int, timeout: float = 10) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/news/", timeout=timeout) as response:
        assert response.status == 200


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all workers so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split() for child in children]
    return sum(int(worker[11]) + int(worker[12]) for worker in fields) / os.sysconf("SC_CLK_TCK")


def load(port: int, pid: int, requests: int, *options: str) -> tuple[float, float]:
    """Return requests per second, and CPU microseconds per request."""
    command = [
        "ab",
        "-q",
        "-n",
        str(requests),
        "-c",
        str(CLIENTS),
        *options,
        f"http://127.0.0.1:{port}/news/",
    ]
    before = cpu_seconds(pid)
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(pid) - before
    assert re.search(r"Failed requests: +0\n", output), output
    [rate] = re.findall(r"Requests per second: +([\d.]+)", output)
    return float(rate), used / requests * 1e6


def is_served_beside_stalled_clients(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stalled = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            stalled.sendall(b"GET /news/ HTTP/1.1\r\n")
        time.sleep(0.2)
        try:
            send_request(port, timeout=5)
        except OSError:
            return False
        return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if not shutil.which("ab"):
        sys.exit("bench: ab not found: apt-get install apache2-utils")
    measured: dict[tuple[str, int], dict[str, list[tuple[float, float]]]] = {}
    served: dict[str, bool] = {}
    with valkey() as cache, slow_dynamodb() as database:
        plain = {
            "STAGE": "dev",
            "AWS_REGION": "us-east-1",
            "NEWS_TABLE": "news",
            "AWS_ENDPOINT_URL_DYNAMODB": database,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "REDIS_URL": "",
        }
        for _ in range(rounds):
            for workers in (1, 2):
                for worker_type in WORKER_TYPES:
                    results = measured.setdefault((worker_type, workers), {"new": [], "kept": [], "5 ms": []})
                    with gunicorn(worker_type, workers, plain | {"REDIS_URL": cache.url}) as (port, pid):
                        results["new"].append(load(port, pid, 3000))
                        results["kept"].append(load(port, pid, 3000, "-k"))
                    with gunicorn(worker_type, workers, plain) as (port, pid):
                        results["5 ms"].append(load(port, pid, 600, "-k"))
                        if workers == 1 and worker_type not in served:
                            served[worker_type] = is_served_beside_stalled_clients(port)
    print("| worker | processes | new | kept | 5 ms | stalled |\n| --- | --- | --- | --- | --- | --- |")
    for (worker_type, workers), results in measured.items():
        medians = [map(statistics.median, zip(*pairs, strict=True)) for pairs in results.values()]
        columns = [f"{rate:.0f}/s, {used:.0f} µs" for rate, used in medians]
        stalled = "" if workers > 1 else "served" if served[worker_type] else "not served"
        print(f"| {worker_type} | {workers} | {' | '.join(columns)} | {stalled} |")


if __name__ == "__main__":
    main()
