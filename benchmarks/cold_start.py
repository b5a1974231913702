"""CPU time of a process that starts, imports the function and returns one cached response, in milliseconds.

The processes of this service and its peers alternate. None runs interpreter teardown.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks import artifacts
from benchmarks.event import EVENT
from benchmarks.harness import Row, WarmCache, environment, print_rows, row
from tools.package.python import UPCOMING, find_installed, runtime_python, runtime_version

FIGURE = "cold start to the first cached response, CPU time"
REPEATS = 25
SCRIPT = Path(__file__).parent / "invoke_artifact.py"
CONSTANT = "Flask + serverless-wsgi only, constant response"
FASTAPI = "FastAPI + Mangum + redis, compiled"
PEERS = {
    "flask_constant": (CONSTANT, 1.45),
    "eager": ("the same app, imported eagerly, without .pyc", 0.25),
    "fastapi_redis": (FASTAPI, 1.0),
    "powertools_redis": ("Powertools' resolver + redis, compiled", None),
    "apig_wsgi_redis": ("Flask + apig-wsgi + redis, compiled", None),
}
LAZY_PEERS = {"flask_constant": (CONSTANT, 1.0), "fastapi_redis": (f"{FASTAPI}, lazy imports", 1.0)}
"""Peers under a Python that has lazy imports (PEP 810). The constant response imports eagerly."""


def cpu_ms(command: list[str], env: dict[str, str], x_cache: str) -> float:
    """Return the CPU time of a process, in milliseconds."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    assert output.split()[0] == x_cache, output
    return (used.ru_utime + used.ru_stime) * 1000


def folders_of(names: Iterable[str]) -> dict[str, tuple[Path, str, str]]:
    """Return the folder, the module and the X-Cache header of this service and of peers."""
    peers = artifacts.peers()
    folders = {"ours": (artifacts.ours(), "functions.news", "HIT")}
    for name in names:
        folders[name] = (artifacts.eager(), name, "HIT") if name == "eager" else (peers, name, "None")
    return folders


def run(peers: Mapping[str, tuple[str, float | None]], options: Mapping[str, list[str]]) -> list[Row]:
    """Measure the rows of one Python version. `options` has the interpreter options of a peer."""
    python, folders = str(runtime_python()), folders_of(peers)
    millis: dict[str, list[float]] = {name: [] for name in folders}
    with WarmCache.started() as cache, tempfile.TemporaryDirectory() as temporary:
        event = Path(temporary, "event.json")
        event.write_text(json.dumps(EVENT))
        # Lambda's /var/task is read-only
        variables = {"PYTHONDONTWRITEBYTECODE": "1", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
        env = environment(cache.env | variables)
        for number in range(REPEATS + 1):
            for name, (folder, module, x_cache) in folders.items():
                command = [python, *options.get(name, ()), str(SCRIPT), str(folder), module, str(event), "1"]
                duration = cpu_ms(command, env, x_cache)
                if number:  # the first round fills the page cache
                    millis[name].append(duration)
    figure = f"{FIGURE}, Python {runtime_version()}"
    return [
        row(figure, peer, "ms", millis["ours"], millis[name], limit) for name, (peer, limit) in peers.items()
    ]


def measure() -> list[Row]:
    rows, given = run(PEERS, {}), runtime_version()
    for version in UPCOMING:
        if find_installed(version):
            os.environ["RUNTIME"] = f"python{version}"  # for the artifacts
            rows += run(LAZY_PEERS, {"fastapi_redis": ["-X", "lazy_imports=all"]})
            os.environ["RUNTIME"] = f"python{given}"
        else:
            print(f"cold_start: no CPython {version} is installed: its rows are left out", file=sys.stderr)
    return rows


if __name__ == "__main__":
    print_rows(measure())
