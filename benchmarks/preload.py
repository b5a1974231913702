"""CPU time of the startup and of the first cache miss, with and without PRELOAD, by Lambda memory size.

Times below 1,769 MB are calculated: Lambda allocates one vCPU at 1,769 MB, and CPU in proportion to memory
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). The init phase may get more.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import artifacts
from benchmarks.cold_start import SCRIPT
from benchmarks.event import EVENT
from benchmarks.harness import environment
from benchmarks.news_tables import news_table
from tools.package.python import runtime_python

REPEATS = 15
WHOLE_CPU_MB = 1769
SIZES = (512, 1024, WHOLE_CPU_MB)


def main() -> None:
    python, folder = str(runtime_python()), str(artifacts.ours())
    times: dict[str, list[tuple[float, float]]] = {"no": [], "yes": []}
    with news_table(1000) as settings, tempfile.TemporaryDirectory() as temporary:
        event = Path(temporary, "event.json")
        event.write_text(json.dumps(EVENT))
        command = [python, "-B", str(SCRIPT), folder, "functions.news", str(event), "1"]
        for _ in range(REPEATS):
            for preload, measured in times.items():
                env = environment(settings | {"PRELOAD": preload})
                output = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
                _, _, start, first = output.split()
                measured.append((float(start), float(first)))
    print("| memory | PRELOAD | start, ms | first miss, ms | total, ms |\n| --- | --- | --- | --- | --- |")
    for size in SIZES:
        for preload, measured in times.items():
            factor = WHOLE_CPU_MB / size
            start, first = (median(values) * factor for values in zip(*measured, strict=True))
            print(f"| {size:,} MB | {preload} | {start:.0f} | {first:.0f} | {start + first:.0f} |")


if __name__ == "__main__":
    main()
