"""gunicorn with a metrics address."""

import contextlib
import time
from pathlib import Path

import requests

from support.gunicorn_server import GunicornServer
from support.raw_http import WAIT_SECONDS
from support.waiting import wait_until
from tools.local.processes import free_port


class MetricsServer(GunicornServer):
    """A server with Prometheus metrics."""

    def __init__(self, folder, **env):
        self.metrics_bind = f"127.0.0.1:{free_port()}"
        super().__init__(folder, measured=True, METRICS_BIND=self.metrics_bind, **env)

    def scrape(self):
        """Return the samples, by name and labels."""
        received = requests.get(f"http://{self.metrics_bind}/metrics", timeout=WAIT_SECONDS)
        assert received.status_code == 200
        lines = [line for line in received.text.splitlines() if line[0] != "#"]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def count(self, route="GET /health", status_class="2xx"):
        return self.scrape().get(f'news_requests_total{{route="{route}",status_class="{status_class}"}}', 0)

    def folder(self):
        """Wait until a worker has a file of metrics, and return its folder."""
        return Path(wait_until(self.files)[0]).parent

    def files(self):
        """Return the files of metrics that the workers have open."""
        maps = []
        for worker in self.workers():
            with contextlib.suppress(OSError):  # the worker has ended
                maps += Path(f"/proc/{worker}/maps").read_text().splitlines()
        return [line.split()[-1] for line in maps if line.endswith(".db")]

    def request(self):
        """Send a request on a new connection. Retry while the only worker is being replaced."""
        for _ in range(100):
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"{self.url}/health", timeout=WAIT_SECONDS).status_code
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())
