"""GET /health: is the process up, and with `?deep=1`, are the services behind it."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import NamedTuple

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue

from shared.constants import HEALTH_TIMEOUT_SECONDS
from shared.errors import InvalidInput
from shared.inputs import query, query_parameters
from shared.replies import reply

log = logging.getLogger(__name__)
routes = Blueprint("health", __name__)


class Check(NamedTuple):
    """How to find out whether a service answers: `probe` raises where it doesn't."""

    probe: Callable[[], object]
    required: bool


def init_health(app: Flask) -> None:
    """Add the route, and the check of the cache: the app works without it, so it fails no health check."""
    app.extensions["health"] = {}
    if cache := app.extensions["cache"]:
        add_check(app, "redis", cache.ping, required=False)
    app.register_blueprint(routes)


def add_check(app: Flask, name: str, probe: Callable[[], object], *, required: bool = True) -> None:
    """Let the deep health check ask one more service."""
    app.extensions["health"][name] = Check(probe, required)


@routes.get("/health")
@query_parameters("deep")
def health() -> ResponseReturnValue:
    """Answer 200, or 503 where a service that is required doesn't answer in time."""
    deep = query().get("deep")
    if deep is None:
        return reply({"status": "ok"})
    if deep != "1":
        raise InvalidInput("deep", "must be 1")
    return _deep(current_app.extensions["health"])


def _deep(checks: dict[str, Check]) -> ResponseReturnValue:
    results = _ask(checks)
    failed = [checks[name] for name, result in results.items() if result != "ok"]
    down = any(check.required for check in failed)
    status = "down" if down else "degraded" if failed else "ok"
    code = HTTPStatus.SERVICE_UNAVAILABLE if down else HTTPStatus.OK
    return reply({"status": status, "checks": results}, code)


def _ask(checks: dict[str, Check]) -> dict[str, str]:
    pool = ThreadPoolExecutor(max_workers=max(1, len(checks)))
    asked = {name: pool.submit(check.probe) for name, check in checks.items()}
    results = {}
    for name, future in asked.items():
        try:
            future.result(HEALTH_TIMEOUT_SECONDS)
            results[name] = "ok"
        except TimeoutError:
            results[name] = "slow"
        except Exception as error:  # noqa: BLE001  # whatever it is, the answer is that it failed
            log.warning("health: %s doesn't answer: %s", name, error)
            results[name] = "unreachable"
    pool.shutdown(wait=False)  # a probe that hangs ends by its own time limit
    return results
