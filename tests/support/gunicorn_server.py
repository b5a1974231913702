"""gunicorn as entrypoint.sh starts it, on a DynamoDB of the test's choice, or on none that answers."""

import sys
from pathlib import Path

from support.environment import CLEAN, ROOT
from tools.local.processes import Processes, free_port, wait_for_port
from tools.local.tables import LOCAL_NAMES

SETTINGS = {
    "STAGE": "dev",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
    **LOCAL_NAMES,
}


class Served:
    """Up until the context ends."""

    def __init__(self, folder, *arguments, limit_files=None, **env):
        self.command = [str(ROOT / "entrypoint.sh"), *arguments]
        if limit_files:
            self.command = ["sh", "-c", f'ulimit -n {limit_files}; exec "$0" "$@"', *self.command]
        self.log = folder / "gunicorn.log"
        self.port = free_port()
        self.bind = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.bind}"
        self.env = CLEAN | SETTINGS | {"PYTHON": sys.executable, "BIND": self.bind} | env
        self.processes = Processes()

    def __enter__(self):
        self.gunicorn = self.processes.start(self.command, self.env, self.log)
        wait_for_port(self.gunicorn, self.port)
        return self

    def __exit__(self, *error):
        self.processes.__exit__(*error)

    def workers(self):
        """The process ids of its workers, Linux only."""
        return Path(f"/proc/{self.gunicorn.pid}/task/{self.gunicorn.pid}/children").read_text().split()

    def complaints(self):
        """What its log has besides the lines of requests."""
        return [line for line in self.log.read_text().splitlines() if '"message":"request"' not in line]
