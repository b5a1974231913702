"""From nothing to one cached answer: the CPU time of a whole process, in milliseconds.

Python starts, imports the function from its folder and answers one `GET /news/` from the cache; the
processes take turns, and none spends time on the interpreter's own end.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks import artefacts
from benchmarks.event import EVENT
from benchmarks.figure_rig import FilledCache, Row, environment, print_rows, row
from tools.package.python import runtime_python

FIGURE = "cold start to the first cached answer, CPU time"
REPEATS = 25
SCRIPT = Path(__file__).parent / "artefact_call.py"
PEERS = {
    "Flask + serverless-wsgi only, constant answer": ("flask_constant", 1.5),
    "the same app, imported eagerly, without .pyc": ("eager", 0.25),
    "FastAPI + Mangum + redis, compiled": ("fastapi_redis", 1.0),
}


def cpu_ms(command: list[str], env: dict[str, str], x_cache: str) -> float:
    """What a process computed from its start to its end."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    assert said.split()[0] == x_cache, said
    return (used.ru_utime + used.ru_stime) * 1000


def measure() -> list[Row]:
    peers, python = artefacts.peers(), str(runtime_python())
    folders = {
        "ours": (artefacts.ours(), "functions.news", "HIT"),
        "flask_constant": (peers, "flask_constant", "None"),
        "eager": (artefacts.eager(), "eager", "HIT"),
        "fastapi_redis": (peers, "fastapi_redis", "None"),
    }
    millis: dict[str, list[float]] = {name: [] for name in folders}
    with FilledCache.started() as cache, tempfile.TemporaryDirectory() as temporary:
        event = Path(temporary, "event.json")
        event.write_text(json.dumps(EVENT))
        env = environment(cache.env | {"PYTHONDONTWRITEBYTECODE": "1"})  # Lambda's /var/task is read-only
        for number in range(REPEATS + 1):
            for name, (folder, module, x_cache) in folders.items():
                command = [python, str(SCRIPT), str(folder), module, str(event), "1"]
                took = cpu_ms(command, env, x_cache)
                if number:  # the first brings the files into memory
                    millis[name].append(took)
    return [
        row(FIGURE, peer, "ms", millis["ours"], millis[module], limit)
        for peer, (module, limit) in PEERS.items()
    ]


if __name__ == "__main__":
    print_rows(measure())
