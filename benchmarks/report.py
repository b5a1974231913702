"""`make benchmark-report`: run the benchmarks of the report. Exit code 1 if a row misses its limit.

Writes docs/figures.md and docs/images/figures.svg, and updates the short table of each page with the markers.
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
PAGE = """# Figures

Measured with `make benchmark-report` on {machine}.
Values are medians. A ratio is the median of the ratios of values measured side by side. `benchmarks/` has a
file for each figure, and `benchmarks/peers/` has the code it is compared with.

![Each ratio and its limit](images/figures.svg)

"""
BEGIN, END = "<!-- figures: written by make benchmark-report -->\n", "<!-- figures: end -->\n"


def table(rows: Iterable[Row]) -> str:
    return HEAD + "".join(f"| {' | '.join(cells(row))} |\n" for row in rows)


def cells(row: Row) -> list[str]:
    limit = f"{'at least' if row.at_least else 'at most'} {row.limit}"
    ours, theirs = (f"{amount(value)} {row.unit}" for value in (row.ours, row.theirs))
    verdict = "" if row.is_within_limit else "**misses its limit**"
    return [row.figure, row.peer, ours, theirs, f"{row.ratio:.2f}", limit, verdict]


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def worst(rows: list[Row]) -> list[Row]:
    """Return the row closest to its limit, of the rows whose figure is the same up to the comma."""
    result: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row.figure.partition(",")[0], row.peer)
        current = result.get(key)
        if current is None or row.margin < current.margin:
            result[key] = row
    return list(result.values())


def machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in cpus if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else platform.processor()}, Python {platform.python_version()}"


def write(rows: list[Row]) -> None:
    docs = ROOT / "docs"
    (docs / "figures.md").write_text(PAGE.format(machine=machine()) + table(rows))
    (docs / "images" / "figures.svg").write_text(plot(rows))
    for page in (ROOT / "README.md", *docs.glob("*.md")):
        before, begin, rest = page.read_text().partition(BEGIN)
        if begin:
            _, _, after = rest.partition(END)
            page.write_text(f"{before}{BEGIN}{table(worst(rows))}{END}{after}")


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
