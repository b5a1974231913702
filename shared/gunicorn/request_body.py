"""A request's body under gunicorn: read as a whole before the app is called.

So a client that is slow to send it, or sends it malformed, gets one response, and the app meets neither.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from gevent import Timeout, sleep
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout

from shared.constants import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TOO_LARGE = f"The body may hold at most {MAX_BODY_BYTES} bytes."

STEP_BYTES = 1024
"""How much of a body is read before other requests get their turn."""


def read_body_first(app: "WSGIApplication") -> "WSGIApplication":
    """Return a WSGI application that reads the body, then calls `app`."""

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = BytesIO(_read(environ))
        return app(environ, start_response)

    return call


def _read(environ: "WSGIEnvironment") -> bytes:
    """Return the body.

    Raises:
        RequestEntityTooLarge: it is longer than MAX_BODY_BYTES.
        RequestTimeout: the worker's time limit passed before all of it had arrived.
        BadRequest: the client ended it before its Content-Length.
    """
    length = int(environ.get("CONTENT_LENGTH", 0))  # gunicorn lets digits pass only
    if length > MAX_BODY_BYTES:
        raise RequestEntityTooLarge(TOO_LARGE)
    body = bytearray()
    try:
        while piece := environ["wsgi.input"].read(STEP_BYTES):
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise RequestEntityTooLarge(TOO_LARGE)
            sleep(0)  # others go first: a step of one-byte chunks takes milliseconds
    except Timeout:
        raise RequestTimeout("The body did not arrive in time.") from None
    if len(body) < length:
        raise BadRequest("The body is shorter than its Content-Length.")
    return bytes(body)
