"""A key server that tests hold back, and waiting for the refresh of keys."""

import contextlib
import json
import threading
from functools import partial

from shared.errors import Unavailable
from support import token_issuer, waiting

LIMIT_SECONDS = 5
"""More than the time limit of a fetch (2 s), and less than these servers take without one."""


class Clock:
    """A wall clock that tests set."""

    seconds = 1_900_000_000.0

    def __call__(self):
        return self.seconds


def key_set(*names):
    return json.dumps({"keys": [token_issuer.jwk(name) for name in names]}).encode()


class Hanging:
    """A response that the issuer holds back until `release`."""

    def __init__(self, body=b""):
        self.body = body
        self.entered, self.release = threading.Event(), threading.Event()

    def __call__(self, handler):
        self.entered.set()
        self.release.wait(20)
        with contextlib.suppress(OSError):
            handler.wfile.write(HEAD + self.body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()


HEAD = b"HTTP/1.0 200 OK\r\n\r\n"


def in_thread(function, *args):
    """Call a function in a thread. The returned list receives its result or error."""
    results = []

    def run():
        try:
            results.append(function(*args))
        except Unavailable as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


wait_until = partial(waiting.wait_until, seconds=LIMIT_SECONDS)


def wait_for_refresh(keys):
    """Wait until the background refresh is done."""
    wait_until(lambda: keys._refresh is None)


SETS_WITHOUT_KEYS = {
    "keys []": b'{"keys": []}',
    "keys [1]": b'{"keys": [1]}',
    "no usable key": token_issuer.jwks(token_issuer.jwk(use="enc")),
    "a second, empty list": token_issuer.jwks()[:-1] + b', "keys": []}',
}
