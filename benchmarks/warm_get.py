"""A cached `GET /news/` through the Lambda handler of a warm process, in microseconds."""

from benchmarks.harness import Row, WarmCache, print_rows, python, row, run_interleaved

FIGURE = "warm cached GET through `handler`"
PEERS = {
    "Flask + serverless-wsgi + one redis GET": ("flask_redis", 1.0),
    "the same, naive: json.loads, jsonify": ("flask_naive", 0.8),
    "Flask + apig-wsgi + one redis GET": ("apig_wsgi_redis", 1.0),
    "FastAPI + Mangum + redis": ("fastapi_redis", 1.0),
    "Powertools' resolver + redis": ("powertools_redis", None),
    "Chalice + redis": ("chalice_redis", None),
}
STARTS = 20
ROUNDS = 12
CALLS = 200


def measure() -> list[Row]:
    commands = {"ours": python("-m", "benchmarks.invoke_handler", "functions.news", "HIT")}
    for peer, (module, _) in PEERS.items():
        commands[peer] = python("-m", "benchmarks.invoke_handler", f"benchmarks.peers.{module}")
    with WarmCache.started() as cache:
        seconds = run_interleaved(commands, cache.env, ROUNDS, CALLS, STARTS)
    micros = {name: [time * 1e6 for time in times] for name, times in seconds.items()}
    return [
        row(FIGURE, peer, "µs", micros["ours"], micros[peer], limit) for peer, (_, limit) in PEERS.items()
    ]


if __name__ == "__main__":
    print_rows(measure())
