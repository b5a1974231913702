"""The response from a cache entry. Every hit passes through here, so it copies and computes nothing twice."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

from shared.cache.entry import Entry
from shared.web.responses import make_conditional

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CACHE_CONTROL = "no-cache"
"""A browser or CDN may store a response, but must revalidate it before each use (RFC 9111, section 5.2.2.4).
A write can't invalidate what they store. To revalidate costs no database call, just a 304 from Redis."""


class StoredHeaders(Headers):
    """Headers that were validated before; werkzeug would validate and copy them one by one."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._list = fields


class CachedResponse(Response):
    """A response whose headers are complete and its own: none to compute, none to copy.

    It is passed through as it is; functions registered with `call_on_close` are not called.
    """

    automatically_set_content_length = False

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Return the headers, without those of the body where that is not sent."""
        return self.headers if self.status_code == HTTPStatus.OK else super().get_wsgi_headers(environ)


def response_from_entry(entry: Entry, now: float) -> Response:
    """Return an entry as a response, or 304 to a client that has it."""
    fields = [
        *entry.metadata.headers,
        ("Cache-Control", CACHE_CONTROL),
        ("Content-Length", str(len(entry.body))),
        ("Age", str(max(0, int(entry.age(now))))),
        ("X-Cache", "HIT"),
    ]
    return make_conditional(
        CachedResponse([entry.body], headers=StoredHeaders(fields), direct_passthrough=True)
    )
