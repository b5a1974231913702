"""Check the health of the service: `python -m shared.gunicorn.health_probe BIND`. The exit code is 0 or 1."""

import socket
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from gunicorn.util import parse_address

TIMEOUT_SECONDS = 2.0
LOOPBACK = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104  # nosec
"""The loopback address for each wildcard address."""
DEFAULT_PORT = "8000"


class UnixConnection(HTTPConnection):
    """An HTTP connection over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def is_healthy(bind: str) -> bool:
    """Return True if GET /health returns 200. `bind` has the syntax of gunicorn's setting."""
    connection = _connection(bind)
    try:
        connection.request("GET", "/health", headers={"Host": "localhost"})
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _connection(bind: str) -> HTTPConnection:
    address = parse_address(bind, default_port=DEFAULT_PORT)
    if isinstance(address, str):
        return UnixConnection(address)
    host, port = address
    return HTTPConnection(LOOPBACK.get(host, host), port, timeout=TIMEOUT_SECONDS)


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
