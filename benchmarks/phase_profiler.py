"""Measure the phases of a cached request in this process, and print their microseconds as JSON.

python -m benchmarks.phase_profiler
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

import serverless_wsgi
from werkzeug.routing import MapAdapter

from benchmarks.invoke_handler import CONTEXT, EVENT, check, discarded_stderr
from functions.news import app, handler
from shared.cache import decorators
from shared.cache.redis_pool import RedisPool
from shared.observability.request_log import RequestLog

CALLS = 3000


class Profiler:
    """Sums the exclusive time of wrapped functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._children = [0.0]

    def wrap(self, owner: Any, name: str, phase: str) -> None:
        """Replace a function or method by one that is measured as part of a phase."""
        setattr(owner, name, self.measured(getattr(owner, name), phase))

    def measured(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            self._children.append(0.0)
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                duration = time.perf_counter() - started
                self.seconds[phase] += duration - self._children.pop()
                self._children[-1] += duration

        return run


def main() -> None:
    with discarded_stderr():
        for _ in range(200):
            response = handler(EVENT, CONTEXT)
    check(response, "HIT")
    profiler = Profiler()
    profiler.wrap(serverless_wsgi, "handle_request", "serverless-wsgi")
    profiler.wrap(app, "wsgi_app", "Flask")
    profiler.wrap(MapAdapter, "match", "routing")
    profiler.wrap(RedisPool, "execute", "Redis")
    profiler.wrap(decorators, "response_from_entry", "cached response")
    profiler.wrap(RequestLog, "report", "log")
    measured = profiler.measured(handler, "adapter")
    with discarded_stderr():
        for _ in range(CALLS):
            measured(EVENT, CONTEXT)
    json.dump({phase: seconds / CALLS * 1e6 for phase, seconds in profiler.seconds.items()}, sys.stdout)


if __name__ == "__main__":
    main()
