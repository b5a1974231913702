"""GET /health: is the process up, and with `?deep=1`, are the services behind it."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue

from shared.constants import DATABASE_HEALTH_SECONDS, REDIS_HEALTH_SECONDS
from shared.errors import InvalidInput
from shared.web.requests import query, query_parameters
from shared.web.responses import json_response

log = logging.getLogger(__name__)
routes = Blueprint("health", __name__)


class Check(NamedTuple):
    """How to find out whether a service answers.

    Attributes:
        probes: each raises where it doesn't.
        required: whether the app is down without it.
        seconds: how long it may take.
    """

    probes: tuple[Callable[[], object], ...]
    required: bool
    seconds: float

    def probe(self) -> None:
        """Call every probe."""
        for probe in self.probes:
            probe()


def init_health(app: Flask) -> None:
    """Add the route, and the check of the cache: the app works without it, so it fails no health check."""
    app.extensions["health"] = {}
    if cache := app.extensions["cache"]:
        add_health_check(app, "redis", cache.ping, required=False, seconds=REDIS_HEALTH_SECONDS)
    app.register_blueprint(routes)


def add_health_check(
    app: Flask,
    name: str,
    probe: Callable[[], object],
    *,
    required: bool = True,
    seconds: float = DATABASE_HEALTH_SECONDS,
) -> None:
    """Add a probe to the deep health check; probes of one name, as each module's table, are one check."""
    checks = app.extensions["health"]
    earlier = checks[name].probes if name in checks else ()
    checks[name] = Check((*earlier, probe), required, seconds)


@routes.get("/health")
@query_parameters("deep")
def health() -> ResponseReturnValue:
    """Answer 200, or 503 where a service that is required doesn't answer in time."""
    deep = query().get("deep")
    if deep is None:
        return json_response({"status": "ok"})
    if deep != "1":
        raise InvalidInput("deep", "must be 1")
    return _deep(current_app.extensions["health"])


def _deep(checks: dict[str, Check]) -> ResponseReturnValue:
    results = _ask(checks)
    failed = [checks[name] for name, result in results.items() if result != "ok"]
    down = any(check.required for check in failed)
    status = "down" if down else "degraded" if failed else "ok"
    code = HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK
    return json_response({"status": status, "checks": results}, code)


def _ask(checks: dict[str, Check]) -> dict[str, str]:
    """Ask all of them at once, so that one that is slow costs the others nothing of their time."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(checks)))
    began = time.monotonic()
    # In the request's context, for what is counted there.
    asked = {name: pool.submit(copy_context().run, check.probe) for name, check in checks.items()}
    results = {name: _result(name, asked[name], began + check.seconds) for name, check in checks.items()}
    pool.shutdown(wait=False)  # a probe that hangs ends by its own time limit
    return results


def _result(name: str, asked: "Future[None]", deadline: float) -> str:
    try:
        asked.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:  # of ours, or of the probe
        log.warning("health: %s is slow", name)
        return "slow"
    except Exception as error:  # noqa: BLE001  # whatever it is, the answer is that it failed
        log.warning("health: %s doesn't answer: %s", name, error)
        return "unreachable"
    return "ok"
