"""The deep health check and a service that hangs."""

import threading
import time

from shared.app import create_app
from shared.config import Settings
from shared.constants import REQUEST_ID
from shared.observability.context import request_context
from shared.web.health import add_health_check


def test_a_service_that_hangs_is_slow_and_the_answer_comes_all_the_same():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    hang = threading.Event()
    add_health_check(app, "hanging", hang.wait)
    add_health_check(app, "quick", lambda: None)
    answer = app.test_client().get("/health?deep=1")
    hang.set()
    assert answer.status_code == 503
    assert answer.json == {"status": "down", "checks": {"hanging": "slow", "quick": "ok"}}


def test_each_service_has_its_own_time_limit_and_the_log_says_which_is_slow(caplog):
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    hang = threading.Event()
    add_health_check(app, "hanging", hang.wait, required=False, timeout=0.01)
    add_health_check(app, "patient", lambda: time.sleep(0.05), timeout=30)
    answer = app.test_client().get("/health?deep=1")
    hang.set()
    assert answer.json == {"status": "degraded", "checks": {"hanging": "slow", "patient": "ok"}}
    assert "health check: hanging timed out" in caplog.text


def test_what_a_check_asks_of_dynamodb_counts_for_the_request():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    seen = []
    add_health_check(app, "probe", lambda: seen.append(request_context().request_id))
    app.test_client().get("/health?deep=1", environ_overrides={REQUEST_ID: "8c1f"})
    assert seen == ["8c1f"]
