"""Reads the whole request body before the app is called.

A client that sends the body slowly or malformed gets one error response, and the app is not called.
"""

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from gevent import Timeout, sleep
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout

from shared.constants import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TOO_LARGE = f"The body must not be larger than {MAX_BODY_BYTES} bytes."

CHUNK_BYTES = 1024
"""Bytes that are read before other greenlets may run."""


def read_body_first(app: "WSGIApplication") -> "WSGIApplication":
    """Return a WSGI application that reads the body, then calls `app`."""

    def wrapper(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = BytesIO(_read(environ))
        return app(environ, start_response)

    return wrapper


def _read(environ: "WSGIEnvironment") -> bytes:
    """Return the body.

    Raises:
        RequestEntityTooLarge: the body is larger than MAX_BODY_BYTES.
        RequestTimeout: the body did not arrive within the timeout of the worker.
        BadRequest: the body is shorter than its Content-Length.
    """
    length = int(environ.get("CONTENT_LENGTH", 0))  # gunicorn accepts digits only
    if length > MAX_BODY_BYTES:
        raise RequestEntityTooLarge(TOO_LARGE)
    body = bytearray()
    try:
        while chunk := environ["wsgi.input"].read(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise RequestEntityTooLarge(TOO_LARGE)
            sleep(0)  # let other greenlets run: 1024 one-byte HTTP chunks take milliseconds
    except Timeout:
        raise RequestTimeout("The body was not received in time.") from None
    if len(body) < length:
        raise BadRequest("The body is shorter than its Content-Length.")
    return bytes(body)
