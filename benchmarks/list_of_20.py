"""The first page from DynamoDB without a cache, compared with botocore's client and the same query.

Measured twice: the wall-clock time of the whole handler, and the CPU time of the DAO alone, because dynalite
is slower than DynamoDB and hides part of the difference.
"""

from benchmarks.harness import Row, print_rows, python, row, run_interleaved
from benchmarks.news_tables import news_table

ROUNDS = 60
CALLS = 20
PEER = "botocore's own client, the same query"
FIGURES = {
    "list of 20 from DynamoDB, cache off": (("functions.news", "BYPASS"), {}),
    "list of 20 from DynamoDB by the dao, CPU time": (("benchmarks.dao_first_page",), {"CPU": "1"}),
}


def measure() -> list[Row]:
    rows = []
    with news_table(1000) as settings:
        for figure, (module, extra) in FIGURES.items():
            commands = {
                "ours": python("-m", "benchmarks.invoke_handler", *module),
                "botocore": python("-m", "benchmarks.invoke_handler", "benchmarks.peers.botocore_query"),
            }
            seconds = run_interleaved(commands, settings | extra, ROUNDS, CALLS)
            ours, theirs = ([time * 1e3 for time in times] for times in seconds.values())
            rows.append(row(figure, PEER, "ms", ours, theirs, 1.25))
    return rows


if __name__ == "__main__":
    print_rows(measure())
