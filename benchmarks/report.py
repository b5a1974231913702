"""`make benchmark-report`: run the benchmarks of the report. Exit code 1 if a row misses its limit.

Writes the table in docs/benchmarks.md, and docs/images/figures.svg.
"""

import argparse
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks import cold_start, gunicorn_load, list_of_20, memory, table_growth, warm_get
from benchmarks.harness import ROOT, Row, print_rows
from benchmarks.report_chart import plot

PARTS = {
    "cold_start": cold_start.measure,
    "warm_get": warm_get.measure,
    "gunicorn": gunicorn_load.measure,
    "list_of_20": list_of_20.measure,
    "memory": memory.measure,
    "growth": table_growth.measure,
}
HEAD = (
    "| figure | compared with | ours | theirs | ratio | limit | |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)
BEGIN, END = "<!-- figures: written by make benchmark-report -->\n", "<!-- figures: end -->\n"


def table(rows: Iterable[Row]) -> str:
    return HEAD + "".join(f"| {' | '.join(cells(row))} |\n" for row in rows)


def cells(row: Row) -> list[str]:
    limit = f"{'at least' if row.at_least else 'at most'} {row.limit}" if row.limit else "none"
    ours, theirs = (f"{amount(value)} {row.unit}" for value in (row.ours, row.theirs))
    verdict = "" if row.is_within_limit else "**misses its limit**"
    return [row.figure, row.peer, ours, theirs, f"{row.ratio:.2f}", limit, verdict]


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in cpus if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else platform.processor()}, Python {platform.python_version()}"


def write(rows: list[Row]) -> None:
    """Replace the table in docs/benchmarks.md, and the chart."""
    page = ROOT / "docs" / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    measured = f"Measured with `make benchmark-report` on {machine()}.\n\n{table(rows)}"
    page.write_text(f"{before}{BEGIN}{measured}{END}{after}")
    (ROOT / "docs" / "images" / "figures.svg").write_text(plot(rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)} (default: all)")
    parts = parser.parse_args().parts
    gunicorn_load.require_tools()
    rows: list[Row] = []
    for part in parts or PARTS:
        print(f"benchmark-report: {part}", file=sys.stderr, flush=True)
        measured = PARTS[part]()
        print_rows(measured)
        rows += measured
    if not parts:
        write(rows)
    missed = [row for row in rows if not row.is_within_limit]
    for row in missed:
        print(f"misses its limit: {row.figure} / {row.peer}: {row.ratio:.2f}, limit {row.limit}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
