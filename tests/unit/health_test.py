"""The deep health check: timeouts and the request context."""

import threading
import time

from shared.app import create_app
from shared.config import Settings
from shared.constants import REQUEST_ID
from shared.observability.context import request_context
from shared.web.health import add_health_check


def test_a_service_that_hangs_is_reported_as_slow():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    hang = threading.Event()
    add_health_check(app, "hanging", hang.wait)
    add_health_check(app, "quick", lambda: None)
    response = app.test_client().get("/health?deep=1")
    hang.set()
    assert response.status_code == 503
    assert response.json == {"status": "down", "checks": {"hanging": "slow", "quick": "ok"}}


def test_each_service_has_its_own_timeout_and_the_log_names_the_slow_one(caplog):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    hang = threading.Event()
    add_health_check(app, "hanging", hang.wait, required=False, timeout=0.01)
    add_health_check(app, "patient", lambda: time.sleep(0.05), timeout=30)
    response = app.test_client().get("/health?deep=1")
    hang.set()
    assert response.json == {"status": "degraded", "checks": {"hanging": "slow", "patient": "ok"}}
    assert "health check: hanging timed out" in caplog.text


def test_a_health_check_runs_in_the_context_of_the_request():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    request_ids = []
    add_health_check(app, "service", lambda: request_ids.append(request_context().request_id))
    app.test_client().get("/health?deep=1", environ_overrides={REQUEST_ID: "8c1f"})
    assert request_ids == ["8c1f"]


def test_pings_with_the_same_name_are_one_check():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    seen = []
    add_health_check(app, "dynamodb", lambda: seen.append("first"))
    add_health_check(app, "dynamodb", lambda: seen.append("second"))
    response = app.test_client().get("/health?deep=1")
    assert response.json["checks"] == {"dynamodb": "ok"}
    assert seen == ["first", "second"]
    add_health_check(app, "dynamodb", lambda: 1 / 0)
    assert app.test_client().get("/health?deep=1").json["checks"] == {"dynamodb": "unreachable"}
