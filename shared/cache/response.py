"""Builds the response to a cache hit. Every hit runs this code, so it avoids copies."""

from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.datastructures import Headers

from shared.cache.entry import Entry
from shared.web.compression import accepts_gzip, decompress, gzip_etag
from shared.web.responses import make_conditional

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CACHE_CONTROL = "no-cache"
"""Browsers and CDNs may store a response but must revalidate it before each use (RFC 9111, section 5.2.2.4),
because a write cannot invalidate their copies. Revalidation costs a 304 from Redis and no database call."""

VARY = ("Vary", "Accept-Encoding")


class StoredHeaders(Headers):
    """Headers that are already validated. Werkzeug would validate and copy them one by one."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._list = fields


class CachedResponse(Response):
    """A response with complete headers, which Werkzeug need not compute or copy.

    It uses direct passthrough: functions registered with `call_on_close` are not called.
    """

    automatically_set_content_length = False

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Return the headers. For 304, Werkzeug removes those that describe the body."""
        return self.headers if self.status_code == HTTPStatus.OK else super().get_wsgi_headers(environ)


def response_from_entry(entry: Entry, now: float) -> Response:
    """Return the entry as a response, or 304 if the request is conditional and the ETag matches.

    Raises:
        ValueError: the stored body is not valid gzip.
    """
    is_gzip = sends_gzip(entry)
    body = decompress(entry.body) if entry.metadata.is_gzip and not is_gzip else entry.body
    fields = [
        *(_gzip_headers(entry.metadata.headers) if is_gzip else entry.metadata.headers),
        ("Cache-Control", CACHE_CONTROL),
        ("Content-Length", str(len(body))),
        VARY,
        ("Age", str(max(0, int(entry.age(now))))),
        ("X-Cache", "HIT"),
    ]
    return make_conditional(CachedResponse([body], headers=StoredHeaders(fields), direct_passthrough=True))


@lru_cache(maxsize=256)  # most hits read the same few entries
def _gzip_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return the headers of an entry for its body in gzip."""
    changed = (
        (name, f'{gzip_etag(value[:-1])}"') if name == "ETag" else (name, value) for name, value in headers
    )
    return (*changed, ("Content-Encoding", "gzip"))


def sends_gzip(entry: Entry) -> bool:
    """Return True if the entry is stored in gzip and the client accepts that."""
    return entry.metadata.is_gzip and accepts_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", ""))


def set_gzip(response: Response) -> Response:
    """Set the headers of a response whose body is in gzip. A 304 gets the ETag of the gzip form too."""
    if response.status_code == HTTPStatus.OK:
        response.headers["Content-Encoding"] = "gzip"
    tag, is_weak = response.get_etag()
    if tag is not None:
        response.set_etag(gzip_etag(tag), weak=bool(is_weak))
    return response
