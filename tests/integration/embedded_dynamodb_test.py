"""The embedded DynamoDB of local runs and tests."""

import time
from concurrent.futures import ThreadPoolExecutor

from tools.local.embedded_dynamodb import one_at_a_time


def test_requests_are_handled_one_at_a_time():
    inside, most = [], []

    def app(environ, start_response):
        inside.append(environ)
        time.sleep(0.01)
        most.append(len(inside))
        inside.pop()
        yield b"response"

    locked = one_at_a_time(app)
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: locked({}, None), range(8)))
    assert responses == [[b"response"]] * 8
    assert most == [1] * 8
