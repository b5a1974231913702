"""`make benchmark-report`: measure every figure of the table; exit code 1 if a row misses its limit.

Writes the table in docs/benchmarks.md, and docs/images/figures.svg.
"""

import argparse
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks import cold_start, growth, gunicorn_load, list_of_20, memory, warm_get
from benchmarks.figure_plot import plot
from benchmarks.figure_rig import ROOT, Row, print_rows

PARTS = {
    "cold_start": cold_start.measure,
    "warm_get": warm_get.measure,
    "gunicorn": gunicorn_load.measure,
    "list_of_20": list_of_20.measure,
    "memory": memory.measure,
    "growth": growth.measure,
}
HEAD = (
    "| figure | beside | ours | theirs | ratio | must be | |\n| --- | --- | --- | --- | --- | --- | --- |\n"
)
ABOUT = "Measured with `make benchmark-report` on {machine}.\n\n"
BEGIN, END = "<!-- figures: written by make benchmark-report -->\n", "<!-- figures: end -->\n"


def table(rows: Iterable[Row]) -> str:
    return HEAD + "".join(f"| {' | '.join(cells(each))} |\n" for each in rows)


def cells(each: Row) -> list[str]:
    must = f"{'at least' if each.at_least else 'at most'} {each.limit}"
    ours, theirs = (f"{amount(value)} {each.unit}" for value in (each.ours, each.theirs))
    verdict = "" if each.is_reached else "**falls short**"
    return [each.figure, each.peer, ours, theirs, f"{each.ratio:.2f}", must, verdict]


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in cpus if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else platform.processor()}, Python {platform.python_version()}"


def write(rows: list[Row]) -> None:
    """Replace the table in docs/benchmarks.md, and the plot."""
    page = ROOT / "docs" / "benchmarks.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}{ABOUT.format(machine=machine())}{table(rows)}{END}{after}")
    (ROOT / "docs" / "images" / "figures.svg").write_text(plot(rows))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all, if none is named"
    )
    parts = parser.parse_args().parts
    gunicorn_load.require_tools()
    rows: list[Row] = []
    for part in parts or PARTS:
        print(f"bench: {part}", file=sys.stderr, flush=True)
        measured = PARTS[part]()
        print_rows(measured)
        rows += measured
    if not parts:
        write(rows)
    short = [each for each in rows if not each.is_reached]
    for each in short:
        print(f"falls short: {each.figure} / {each.peer}: {each.ratio:.2f}, not {each.limit}")
    sys.exit(bool(short))


if __name__ == "__main__":
    main()
