"""Builds the response to a cache hit. Every hit runs this code, so it avoids copies."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

from shared.cache.entry import Entry
from shared.web.responses import make_conditional

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CACHE_CONTROL = "no-cache"
"""Browsers and CDNs may store a response but must revalidate it before each use (RFC 9111, section 5.2.2.4),
because a write cannot invalidate their copies. Revalidation costs a 304 from Redis and no database call."""


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
    """Return the entry as a response, or 304 if the request is conditional and the ETag matches."""
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
