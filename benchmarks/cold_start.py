"""CPU time of a process that starts, imports the function and returns one cached response, in milliseconds.

The processes of this service and its peers alternate. None runs interpreter teardown.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks import artifacts
from benchmarks.event import EVENT
from benchmarks.harness import Row, WarmCache, environment, print_rows, row
from tools.package.python import runtime_python

FIGURE = "cold start to the first cached response, CPU time"
REPEATS = 25
SCRIPT = Path(__file__).parent / "invoke_artifact.py"
PEERS = {
    "Flask + serverless-wsgi only, constant response": ("flask_constant", 1.5),
    "the same app, imported eagerly, without .pyc": ("eager", 0.25),
    "FastAPI + Mangum + redis, compiled": ("fastapi_redis", 1.0),
    "Powertools' resolver + redis, compiled": ("powertools_redis", None),
    "Flask + apig-wsgi + redis, compiled": ("apig_wsgi_redis", None),
}


def cpu_ms(command: list[str], env: dict[str, str], x_cache: str) -> float:
    """Return the CPU time of a process, in milliseconds."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    assert output.split()[0] == x_cache, output
    return (used.ru_utime + used.ru_stime) * 1000


def measure() -> list[Row]:
    peers, python = artifacts.peers(), str(runtime_python())
    folders = {
        "ours": (artifacts.ours(), "functions.news", "HIT"),
        "flask_constant": (peers, "flask_constant", "None"),
        "eager": (artifacts.eager(), "eager", "HIT"),
        **{name: (peers, name, "None") for name in ("fastapi_redis", "powertools_redis", "apig_wsgi_redis")},
    }
    millis: dict[str, list[float]] = {name: [] for name in folders}
    with WarmCache.started() as cache, tempfile.TemporaryDirectory() as temporary:
        event = Path(temporary, "event.json")
        event.write_text(json.dumps(EVENT))
        env = environment(cache.env | {"PYTHONDONTWRITEBYTECODE": "1"})  # Lambda's /var/task is read-only
        for number in range(REPEATS + 1):
            for name, (folder, module, x_cache) in folders.items():
                command = [python, str(SCRIPT), str(folder), module, str(event), "1"]
                duration = cpu_ms(command, env, x_cache)
                if number:  # the first round fills the page cache
                    millis[name].append(duration)
    return [
        row(FIGURE, peer, "ms", millis["ours"], millis[module], limit)
        for peer, (module, limit) in PEERS.items()
    ]


if __name__ == "__main__":
    print_rows(measure())
