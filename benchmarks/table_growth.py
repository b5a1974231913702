"""Wall-clock time of the first page, cached and uncached, for tables of 1,000 to 1,000,000 items.

Three dynalites with their data on disk run side by side.
"""

import contextlib

from benchmarks.cache_harness import OLD_GENERATION, hash_tag_of, valkey
from benchmarks.harness import Row, print_rows, python, row, run_interleaved
from benchmarks.news_tables import news_table
from shared.cache.keys import generation_key

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 40
MAX_RATIO = 1.1


def measure() -> list[Row]:
    rows = []
    with contextlib.ExitStack() as stack:
        settings = {size: stack.enter_context(news_table(size)) for size in SIZES}
        server = stack.enter_context(valkey())
        with server.client() as redis:
            for size in SIZES:
                redis.set(generation_key(hash_tag_of(f"of-{size}")), OLD_GENERATION)
        cache = {"REDIS_URL": server.url}
        for figure, x_cache, extra, calls in (
            ("growth: first page from DynamoDB", "BYPASS", {}, 10),
            ("growth: cached GET", "HIT", cache, 200),
        ):
            commands = {}
            for size, table in settings.items():
                # Each has its own stage, so they do not share a cache entry.
                own = [f"{name}={value}" for name, value in (table | extra | {"STAGE": f"of-{size}"}).items()]
                commands[size] = [
                    "env",
                    *own,
                    *python("-m", "benchmarks.invoke_handler", "functions.news", x_cache),
                ]
            seconds = run_interleaved(commands, {}, ROUNDS, calls)
            millis = {size: [time * 1e3 for time in times] for size, times in seconds.items()}
            rows += [
                row(
                    f"{figure}, {size:,} items",
                    f"{SIZES[0]:,} items",
                    "ms",
                    millis[size],
                    millis[SIZES[0]],
                    MAX_RATIO,
                )
                for size in SIZES[1:]
            ]
    return rows


if __name__ == "__main__":
    print_rows(measure())
