"""Wait for a condition, with a limit, so that a failing test ends."""

import time

LIMIT_SECONDS = 30


def wait_until(condition):
    """Return once the condition is true; fail after LIMIT_SECONDS."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.02)
