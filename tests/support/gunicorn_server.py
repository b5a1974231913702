"""Runs gunicorn through entrypoint.sh. By default, DynamoDB is unreachable."""

import sys
from pathlib import Path

from support.environment import CLEAN, ROOT, UNMEASURED
from support.waiting import wait_until
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import LOCAL_NAMES

SETTINGS = {
    "STAGE": "dev",
    "DOCS": "yes",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
    **LOCAL_NAMES,
}


class GunicornServer:
    """A context manager that runs the server. It counts for coverage only if `measured`."""

    def __init__(self, folder, *arguments, limit_files=None, measured=False, **env):
        self.command = [str(ROOT / "entrypoint.sh"), *arguments]
        if limit_files:
            self.command = ["sh", "-c", f'ulimit -n {limit_files}; exec "$0" "$@"', *self.command]
        self.log = folder / "gunicorn.log"
        self.port = free_port()
        self.bind = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.bind}"
        self.env = (
            CLEAN
            | SETTINGS
            | ({} if measured else UNMEASURED)
            | {"PYTHON": sys.executable, "BIND": self.bind}
            | env
        )
        self.processes = Processes()

    def __enter__(self):
        self.process = self.processes.start(self.command, self.env, self.log)
        wait_for_port(self.process, self.port)
        if sys.platform == "linux":  # gunicorn listens before it forks
            wait_until(self.workers)
        return self

    def __exit__(self, *error):
        self.processes.__exit__(*error)

    def workers(self):
        """Return the process ids of the workers. Linux only."""
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def other_log_lines(self):
        """Return the log lines that are not request records."""
        return [line for line in self.log.read_text().splitlines() if '"message":"request"' not in line]
