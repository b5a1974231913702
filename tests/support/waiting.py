"""Wait for a condition, with a limit, so that a failing test ends."""

import time

LIMIT_SECONDS = 20


def wait_until(condition, seconds=LIMIT_SECONDS):
    """Return the value of the condition once it is true; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"the condition did not become true within {seconds} s"
        time.sleep(0.01)
    return value
