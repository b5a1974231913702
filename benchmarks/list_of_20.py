"""`GET /news/` from DynamoDB, without a cache, through the Lambda handler: the process's own time, in ms.

Of the process, since dynalite is slower than DynamoDB, and all that waits for it would look alike.
"""

from benchmarks.figure_rig import Row, in_turns, print_rows, python, row
from benchmarks.news_tables import news_table

ROUNDS = 60
CALLS = 20


def measure() -> list[Row]:
    commands = {
        "ours": python("-m", "benchmarks.caller", "functions.news", "BYPASS"),
        "botocore": python("-m", "benchmarks.caller", "benchmarks.peers.botocore_query"),
    }
    with news_table(1000) as settings:
        seconds = in_turns(commands, settings | {"CPU": "1"}, ROUNDS, CALLS)
    millis = {name: [each * 1e3 for each in times] for name, times in seconds.items()}
    figure = "list of 20 from DynamoDB, cache off, CPU time"
    return [row(figure, "botocore's own client, the same query", "ms", *millis.values(), 1.35)]


if __name__ == "__main__":
    print_rows(measure())
