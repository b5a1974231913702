"""MiniStack, the DynamoDB of local runs and of tests: in memory, on 127.0.0.1.

Its conditional writes are atomic across threads, and its pages end where DynamoDB's do. A query reads the
whole table: a page of 20 takes 7 ms from 20 items, 80 ms from 1,000 and 380 ms from 6,000.
"""

import sys
from pathlib import Path

from tools.local.processes import Processes, free_port, wait_for_port

ENVIRONMENT = {
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",  # otherwise it listens on all addresses
    "PERSIST_STATE": "0",
    "SERVICES": "dynamodb",
    "SFTP_ENABLED": "0",
}


def start_ministack(processes: Processes, log: Path) -> str:
    """Start MiniStack on a free port, and return its URL.

    Args:
        processes: stops the server when it exits.
        log: the file for its output; a file with its process id is next to it.

    Raises:
        StartError: it does not accept connections in time.
    """
    port = free_port()
    env = ENVIRONMENT | {"GATEWAY_PORT": str(port), "TMPDIR": str(log.parent)}
    wait_for_port(processes.start([sys.executable, "-m", "ministack"], env, log), port)
    return f"http://127.0.0.1:{port}"
