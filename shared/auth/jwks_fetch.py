"""One fetch of the issuer's key set from a file or a URL, with a time limit and a size limit."""

import contextlib
import time
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from shared.constants import USER_AGENT
from shared.deadline import call_with_deadline
from shared.observability.tracing import trace_headers

JWKS_FETCH_SECONDS = 2.0
"""Limit for the whole fetch: name resolution, all addresses, TLS, headers and body."""

MAX_JWKS_BYTES = 256 * 1024

HEADERS = {"Accept": "application/json", "User-Agent": USER_AGENT}
"""Some firewalls block urllib's default `Python-urllib/3.x`."""


def fetch_jwks(location: str) -> bytes:
    """Return the content of a file, or of an http or https URL. Redirects are errors.

    Raises:
        OSError: The location is unreadable, too long, or slower than JWKS_FETCH_SECONDS.
        HTTPException: The response is not HTTP.
        ValueError: The URL is invalid.
    """
    if urlsplit(location).scheme not in {"http", "https"}:
        return call_with_deadline(JWKS_FETCH_SECONDS, Path(location).read_bytes)
    handler = _ConnectionHandler()
    request = Request(location, headers=HEADERS | trace_headers())  # noqa: S310  # http or https, see above
    try:
        return call_with_deadline(JWKS_FETCH_SECONDS, partial(_read, request, handler))
    finally:
        handler.abort()


def _read(request: Request, handler: "_ConnectionHandler") -> bytes:
    """Read in parts, so that the thread ends soon after the deadline even if the body arrives slowly."""
    deadline = time.monotonic() + JWKS_FETCH_SECONDS
    content = b""
    with _open(request, handler) as response:
        while chunk := response.read1(MAX_JWKS_BYTES):
            content += chunk
            if time.monotonic() > deadline or len(content) > MAX_JWKS_BYTES:
                raise OSError("the response is too slow or too long")
    return content


def _open(request: Request, handler: "_ConnectionHandler") -> HTTPResponse:
    try:
        opener = build_opener(handler, _NoRedirect)
        response: HTTPResponse = opener.open(request, timeout=JWKS_FETCH_SECONDS)
    except HTTPError as error:
        error.close()
        raise
    return response


class _ConnectionHandler(HTTPHandler, HTTPSHandler):
    """Opens http and https connections, and can abort one whose headers arrive slowly."""

    connection: HTTPConnection | None = None

    def do_open(self, http_class: Any, req: Request, **options: Any) -> HTTPResponse:
        """Open the request on a connection that `abort` can end."""

        def connect(*args: Any, **kwargs: Any) -> HTTPConnection:
            connection: HTTPConnection = http_class(*args, **kwargs)
            self.connection = connection
            return connection

        return super().do_open(connect, req, **options)

    def abort(self) -> None:
        """Shut down the connection. A thread that still reads would go on as long as bytes arrive."""
        if self.connection and self.connection.sock:
            with contextlib.suppress(OSError):
                self.connection.sock.shutdown(SHUT_RDWR)


class _NoRedirect(HTTPRedirectHandler):
    """Rejects redirects: keys come from the configured URL only."""

    def redirect_request(self, *_: Any) -> None:
        """Return None, so that urllib raises HTTPError as for any status code but 2xx."""
