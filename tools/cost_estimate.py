"""`make cost-estimate`: what the deployment costs a month: prices, what a request uses, and the sums."""

from typing import NamedTuple

PRICES_OF = "June 2026, us-east-1, in US dollars, without free tiers and discounts"
RATES = (0, 1, 10, 100)
"""Requests a second, all month long."""

HOURS = 730
MILLION = 1e6
GB_IN_KB = 1024**2

# Assumptions: change these to the figures of your own service.
WRITES = 0.05
HITS = 0.9
"""Cache hit ratio of the reads."""
RESPONSE_KB = 8.0
"""A list of 20; a single item is 0.5 KB."""
GZIP_KB = 2.9
"""The same list in gzip, as the cache stores and sends it."""
FUNCTION_GB = 1.0
FUNCTION_SECONDS = 0.015
"""Of a request, in the mean of hits, misses and writes; an assumption, as all of these."""
COLD_STARTS = 0.01
"""Share of the requests that start an environment."""
INIT_SECONDS = 0.35
"""Of a cold start, from docs/lambda.md. Lambda bills initialization since August 2025."""
ITEMS_GB = 0.6
"""A million items of 0.6 KB; each of the three indexes holds a copy."""
LOGS_KB = 1.8
"""The lines of the function, Lambda's own three among them, and of the API."""
METRICS = 25
"""Custom metrics of the function that are billed: those with a value in an hour."""

# What a request takes of DynamoDB, in request units. A list: 20 rows of 0.6 KB, eventually consistent, of
# which a unit reads 8 KB. A write: a row of up to 1 KB in table and indexes, and the read before it.
READ_UNITS_OF_LIST = 20 * 0.6 / 8
READ_UNITS_OF_WRITE = 1
WRITE_UNITS_OF_WRITE = 4

GB_SECOND = 0.0000133334
"""Price of the function's time on arm64."""
ALARM_METRICS, CACHE_ALARM_METRICS = 7, 3
"""Metrics of the alarms in template.yaml, and of those that exist with a cache only."""
SNAPSHOT_GB_SECOND, RESTORED_GB = 0.0000015046, 0.0001397998
"""Prices of SnapStart for a stored snapshot, and for each environment that starts from one."""

CACHE_GB = 0.1
"""The least that ElastiCache Serverless for Valkey bills."""
UNITS_OF_WRITE = 3
"""Commands of a write to the cache, each a processing unit; a read takes one for each KB."""


class Part(NamedTuple):
    """A line of the bill: how it is worked out, what it costs a month, and what a million requests."""

    name: str
    arithmetic: str
    fixed: float
    of_million: float

    def at(self, rate: float) -> float:
        """Dollars a month at that many requests a second."""
        return self.fixed + self.of_million * rate * HOURS * 3600 / MILLION


def traces(rate: float) -> float:
    """Dollars a month for X-Ray: Lambda traces a request a second and 5 % of the others."""
    traced = min(rate, 1) + 0.05 * max(rate - 1, 0)
    return traced * HOURS * 3600 / MILLION * 5.00


def metrics(rate: float) -> float:
    """Dollars a month for the function's own metrics."""
    return METRICS * 0.30 if rate else 0.0


def parts(*, cache: bool) -> list[Part]:
    """The bill but for traces and metrics, with the cache or without."""
    loads = (1 - WRITES) * (1 - HITS if cache else 1)
    read_units = loads * READ_UNITS_OF_LIST + WRITES * READ_UNITS_OF_WRITE
    write_units = WRITES * WRITE_UNITS_OF_WRITE
    compute = FUNCTION_GB * FUNCTION_SECONDS * MILLION * GB_SECOND
    out_kb = GZIP_KB if cache else RESPONSE_KB
    out = out_kb * MILLION / GB_IN_KB
    logs = LOGS_KB * MILLION / GB_IN_KB
    alarms = ALARM_METRICS + (CACHE_ALARM_METRICS if cache else 0)
    bill = [
        Part("HTTP API", "$1.00 a million", 0, 1.00),
        Part("Lambda, requests", "$0.20 a million", 0, 0.20),
        Part(
            "Lambda, time",
            f"{FUNCTION_SECONDS * 1000:.0f} ms x {FUNCTION_GB:.0f} GB x $0.0000133334 a GB and second",
            0,
            compute,
        ),
        Part(
            "Lambda, initialization",
            f"{COLD_STARTS:.0%} x {INIT_SECONDS * 1000:.0f} ms x {FUNCTION_GB:.0f} GB",
            0,
            COLD_STARTS * INIT_SECONDS * FUNCTION_GB * MILLION * GB_SECOND,
        ),
        Part(
            "DynamoDB",
            f"{read_units:.2f} reads x $0.125 and {write_units:.2f} writes x $0.625 a million",
            0,
            read_units * 0.125 + write_units * 0.625,
        ),
        Part("traffic out", f"{out_kb:.1f} KB x $0.09 a GB", 0, out * 0.09),
        Part("logs", f"{LOGS_KB} KB x $0.50 a GB", 0, logs * 0.50),
        Part(
            "items, backup",
            f"4 x {ITEMS_GB} GB x $0.25, point-in-time recovery {ITEMS_GB} GB x $0.20",
            ITEMS_GB * (4 * 0.25 + 0.20),
            0,
        ),
        Part("KMS", "12 requests an hour x $0.03 for 10,000", 12 * HOURS * 0.03 / 10_000, 0),
        Part(
            "alarms, dashboard",
            f"{alarms} x $0.10 ({ALARM_METRICS} without the cache), 2 x $0.50, $3.00",
            alarms * 0.10 + 4.00,
            0,
        ),
    ]
    if cache:
        units = (1 - WRITES) * GZIP_KB + WRITES * UNITS_OF_WRITE
        arithmetic = f"{CACHE_GB} GB x $0.084 an hour, and {units:.1f} units x $0.0023 a million"
        bill.append(Part("cache", arithmetic, CACHE_GB * 0.084 * HOURS, units * 0.0023))
    return bill


def table() -> str:
    """The bill as a table of Markdown."""
    columns = [f"{rate} a second" if rate else "idle" for rate in RATES]
    lines = [
        f"| a month | arithmetic | {' | '.join(columns)} |",
        f"| --- | --- |{' ---: |' * len(RATES)}",
    ]
    lines += [
        _line(part.name, part.arithmetic, [part.at(rate) for rate in RATES]) for part in parts(cache=True)
    ]
    lines.append(_line("X-Ray", "one a second and 5 %, x $5.00 a million", [traces(rate) for rate in RATES]))
    lines.append(_line("metrics", f"{METRICS} x $0.30", [metrics(rate) for rate in RATES]))
    for name, cache in (("**all**", True), ("**all, without the cache**", False)):
        bill = parts(cache=cache)
        sums = [sum(each.at(rate) for each in bill) + traces(rate) + metrics(rate) for rate in RATES]
        lines.append(_line(name, "", sums))
    return "\n".join(lines)


def snapshot() -> str:
    """Return what SnapStart adds, as an item of a list."""
    version = FUNCTION_GB * HOURS * 3600 * SNAPSHOT_GB_SECOND
    restores = FUNCTION_GB * RESTORED_GB * 10_000
    return (
        f"- `SnapStart=true` adds ${version:.2f} for each published version, until `make prune` deletes it, "
        f"and ${restores:.2f} for\n  10,000 cold starts."
    )


def _line(name: str, arithmetic: str, costs: list[float]) -> str:
    return f"| {name} | {arithmetic} | " + " | ".join(f"{cost:,.2f}" for cost in costs) + " |"


def main() -> None:
    """Print the bill."""
    print(f"Prices as of {PRICES_OF}; {WRITES:.0%} writes, {HITS:.0%} of the reads from the cache.\n")
    print(table())
    print(f"\n{snapshot()}")


if __name__ == "__main__":
    main()
