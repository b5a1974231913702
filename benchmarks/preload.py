"""What PRELOAD moves from the first miss to the start: CPU time, and what it comes to at Lambda's sizes.

Milliseconds with less than a whole CPU are arithmetic: a function has one at 1,769 MB, and less in proportion
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html); a start may get more than that.
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
    taken: dict[str, list[tuple[float, float]]] = {"no": [], "yes": []}
    with news_table(1000) as settings, tempfile.TemporaryDirectory() as temporary:
        event = Path(temporary, "event.json")
        event.write_text(json.dumps(EVENT))
        command = [python, "-B", str(SCRIPT), folder, "functions.news", str(event), "1"]
        for _ in range(REPEATS):
            for preload, found in taken.items():
                env = environment(settings | {"PRELOAD": preload})
                output = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
                _, _, start, first = output.split()
                found.append((float(start), float(first)))
    print("| memory | PRELOAD | start, ms | first miss, ms | both, ms |\n| --- | --- | --- | --- | --- |")
    for size in SIZES:
        for preload, found in taken.items():
            slower = WHOLE_CPU_MB / size
            start, first = (median(each) * slower for each in zip(*found, strict=True))
            print(f"| {size:,} MB | {preload} | {start:.0f} | {first:.0f} | {start + first:.0f} |")


if __name__ == "__main__":
    main()
