"""GET /health: liveness; with `?deep=1`, also the services that the app depends on."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from http import HTTPStatus

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue
from msgspec import Struct

from shared.constants import DATABASE_HEALTH_TIMEOUT_SECONDS, REDIS_HEALTH_TIMEOUT_SECONDS
from shared.errors import InvalidInput
from shared.web.requests import allow_query_params, query_params
from shared.web.responses import json_response

log = logging.getLogger(__name__)
routes = Blueprint("health", __name__)


class HealthCheck(Struct, frozen=True):
    """The health check of one service.

    Attributes:
        pings: each calls the service, and raises if that fails.
        required: whether the app is down without the service.
        timeout: the time limit in seconds.
    """

    pings: tuple[Callable[[], object], ...]
    required: bool
    timeout: float

    def ping_all(self) -> None:
        """Call every ping."""
        for ping in self.pings:
            ping()


def init_health(app: Flask) -> None:
    """Add the route and the check of Redis, which is not required: the app works without its cache."""
    app.extensions["health"] = {}
    if cache := app.extensions["cache"]:
        add_health_check(app, "redis", cache.ping, required=False, timeout=REDIS_HEALTH_TIMEOUT_SECONDS)
    app.register_blueprint(routes)


def add_health_check(
    app: Flask,
    name: str,
    ping: Callable[[], object],
    *,
    required: bool = True,
    timeout: float = DATABASE_HEALTH_TIMEOUT_SECONDS,
) -> None:
    """Add a ping to the deep health check; pings of one name, as for each module's table, are one check."""
    checks = app.extensions["health"]
    earlier = checks[name].pings if name in checks else ()
    checks[name] = HealthCheck((*earlier, ping), required, timeout)


@routes.get("/health")
@allow_query_params("deep")
def health() -> ResponseReturnValue:
    """Return 200, or 503 if a required service is unavailable."""
    deep = query_params().get("deep")
    if deep is None:
        return json_response({"status": "ok"})
    if deep != "1":
        raise InvalidInput("deep", "must be 1")
    return _deep_health(current_app.extensions["health"])


def _deep_health(checks: dict[str, HealthCheck]) -> ResponseReturnValue:
    results = _run_checks(checks)
    failed = [checks[name] for name, result in results.items() if result != "ok"]
    is_down = any(check.required for check in failed)
    status = "down" if is_down else "degraded" if failed else "ok"
    code = HTTPStatus.SERVICE_UNAVAILABLE if is_down else HTTPStatus.OK
    return json_response({"status": status, "checks": results}, code)


def _run_checks(checks: dict[str, HealthCheck]) -> dict[str, str]:
    """Run all checks in parallel, so that a slow service does not use the time of the others."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(checks)))
    started = time.monotonic()
    # The copied context holds the counters of this request.
    futures = {name: pool.submit(copy_context().run, check.ping_all) for name, check in checks.items()}
    results = {name: _result(name, futures[name], started + check.timeout) for name, check in checks.items()}
    pool.shutdown(wait=False)  # a ping that hangs ends at its own timeout
    return results


def _result(name: str, future: "Future[None]", deadline: float) -> str:
    try:
        future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:  # of this check or of the ping itself
        log.warning("health check: %s timed out", name)
        return "slow"
    except Exception as error:  # noqa: BLE001  # the result of every failure is the same
        log.warning("health check: %s failed: %s", name, error)
        return "unreachable"
    return "ok"
