"""Where the time of a cached `GET /news/` through the Lambda handler goes, in microseconds per phase.

The times are exclusive: a phase does not contain the phases that it calls. Writes the table and the chart of
docs/benchmarks.md.
"""

import json
import subprocess
from statistics import median

from benchmarks.harness import ROOT, WarmCache, environment, python
from benchmarks.phase_chart import plot

STARTS = 10
BEGIN, END = "<!-- phases: written by benchmarks.request_phases -->\n", "<!-- phases: end -->\n"

PHASES = {
    "adapter": "`shared/lambda_adapter`: reads the event, builds the response with the body in base64",
    "serverless-wsgi": "builds the WSGI environ",
    "Flask": "request and app context, hooks, headers, the view's decorators",
    "routing": "werkzeug matches the path",
    "Redis": "one round trip to Valkey on this machine: the generation and the entry",
    "cached response": "checks the entry and makes the response of it, with ETag and `Age`",
    "log": "writes the log line with the metrics",
}
"""The phases, in the order of the chart, and what they contain."""


def measure() -> dict[str, float]:
    """Return the median microseconds of each phase, over several processes."""
    runs = []
    with WarmCache.started() as cache:
        for _ in range(STARTS):
            command = python("-m", "benchmarks.phase_profiler")
            done = subprocess.run(
                command, cwd=ROOT, env=environment(cache.env), stdout=subprocess.PIPE, text=True, check=True
            )
            runs.append(json.loads(done.stdout))
    return {phase: median(run[phase] for run in runs) for phase in PHASES}


def write(phases: dict[str, float]) -> None:
    """Replace the table in docs/benchmarks.md, and the chart."""
    total = sum(phases.values())
    lines = [
        f"| {name} | {micros:.0f} | {micros / total:.0%} | {PHASES[name]} |\n"
        for name, micros in phases.items()
    ]
    table = "| phase | µs | share | contains |\n| --- | ---: | ---: | --- |\n" + "".join(lines)
    page = ROOT / "docs" / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}{table}{END}{after}")
    (ROOT / "docs" / "images" / "request-phases.svg").write_text(plot(phases))


def main() -> None:
    phases = measure()
    for name, micros in phases.items():
        print(f"{name}: {micros:.1f} µs")
    write(phases)


if __name__ == "__main__":
    main()
