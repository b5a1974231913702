"""The deep health check and a service that hangs."""

import threading

from shared.app import create_app
from shared.config import Settings
from shared.health import add_check


def test_a_service_that_hangs_is_slow_and_the_answer_comes_all_the_same():
    app = create_app(Settings(stage="local", region="us-east-1", tables={"news": "news"}))
    hang = threading.Event()
    add_check(app, "hanging", hang.wait)
    add_check(app, "quick", lambda: None)
    answer = app.test_client().get("/health?deep=1")
    hang.set()
    assert answer.status_code == 503
    assert answer.json == {"status": "down", "checks": {"hanging": "slow", "quick": "ok"}}
