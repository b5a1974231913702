"""`make benchmark-report`: measure every figure of the table; exit code 1 if a row misses its limit.

Writes docs/figures.md and docs/images/figures.svg, and the short table in README.md.
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
    "| figure | beside | ours | theirs | ratio | must be | |\n| --- | --- | --- | --- | --- | --- | --- |\n"
)
ABOUT = """# Figures

What `make benchmark-report` measured on {machine}: medians, and the median of
the ratios of what was measured side by side. `benchmarks/` has a file for each figure, `benchmarks/peers/`
what it is measured beside.

![Each ratio beside its limit](figures.svg)

"""
BEGIN, END = "<!-- figures: what make bench wrote -->\n", "<!-- figures: end -->\n"


def table(rows: Iterable[Row]) -> str:
    return HEAD + "".join(f"| {' | '.join(cells(each))} |\n" for each in rows)


def cells(each: Row) -> list[str]:
    must = f"{'at least' if each.at_least else 'at most'} {each.limit}"
    ours, theirs = (f"{amount(value)} {each.unit}" for value in (each.ours, each.theirs))
    verdict = "" if each.is_reached else "**falls short**"
    return [each.figure, each.peer, ours, theirs, f"{each.ratio:.2f}", must, verdict]


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def worst(rows: list[Row]) -> list[Row]:
    """Of rows that differ in what follows a comma only, the one that is nearest its limit."""
    found: dict[tuple[str, str], Row] = {}
    for each in rows:
        key = (each.figure.partition(",")[0], each.peer)
        best = found.get(key)
        if best is None or each.margin < best.margin:
            found[key] = each
    return list(found.values())


def machine() -> str:
    cpus = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in cpus if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else platform.processor()}, Python {platform.python_version()}"


def write(rows: list[Row]) -> None:
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    text = ABOUT.format(machine=machine())
    (docs / "figures.md").write_text(text + table(rows))
    (docs / "figures.svg").write_text(plot(rows))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}{table(worst(rows))}{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report")
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
