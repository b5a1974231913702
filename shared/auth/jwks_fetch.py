"""Reads the issuer's key set from a file or a URL, within one time limit and one size limit."""

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
"""One limit over name resolution, every address, TLS, the head and the body."""

MAX_JWKS_BYTES = 256 * 1024

HEADERS = {"Accept": "application/json", "User-Agent": USER_AGENT}
"""Some firewalls refuse urllib's own `Python-urllib/3.x`."""


def fetch_jwks(location: str) -> bytes:
    """Return the content of a file, or of an http or https URL. Redirects are refused.

    Raises:
        OSError: it cannot be read, is too long, or takes longer than JWKS_FETCH_SECONDS.
        HTTPException: the response is not HTTP.
        ValueError: the URL cannot be used.
    """
    if urlsplit(location).scheme not in {"http", "https"}:
        return call_with_deadline(JWKS_FETCH_SECONDS, Path(location).read_bytes)
    handler = _ConnectionHandler()
    request = Request(location, headers=HEADERS | trace_headers())  # noqa: S310  # http or https, see above
    try:
        return call_with_deadline(JWKS_FETCH_SECONDS, partial(_read, request, handler))
    finally:
        handler.hang_up()


def _read(request: Request, handler: "_ConnectionHandler") -> bytes:
    """Read in parts, so that the thread ends soon after the deadline where the body drips."""
    deadline = time.monotonic() + JWKS_FETCH_SECONDS
    content = b""
    with _open(request, handler) as response:
        while part := response.read1(MAX_JWKS_BYTES):
            content += part
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
    """Opens http and https connections, and can end one whose response head drips."""

    connection: HTTPConnection | None = None

    def do_open(self, http_class: Any, req: Request, **options: Any) -> HTTPResponse:
        """Open the request on a connection that `hang_up` knows."""

        def connect(*args: Any, **kwargs: Any) -> HTTPConnection:
            connection: HTTPConnection = http_class(*args, **kwargs)
            self.connection = connection
            return connection

        return super().do_open(connect, req, **options)

    def hang_up(self) -> None:
        """End the thread that still reads, if any: it would go on as long as bytes drip in."""
        if self.connection and self.connection.sock:
            with contextlib.suppress(OSError):
                self.connection.sock.shutdown(SHUT_RDWR)


class _NoRedirect(HTTPRedirectHandler):
    """Keys come from the configured URL, not from where its server points to."""

    def redirect_request(self, *_: Any) -> None:
        """Let urllib raise the error that it raises for any status other than 2xx."""
