"""The answer from an entry: what every hit goes through, so that it copies and computes nothing twice."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

from shared.cache_entry import Entry
from shared.conditional import revalidated

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class StoredHeaders(Headers):
    """Headers that were checked when they were stored; werkzeug would check and copy them one by one."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._list = fields


class CachedResponse(Response):
    """An answer whose headers are complete and its own, as stored: none to compute, none to copy.

    It is made to be passed through: whoever hooks onto its end, with `call_on_close`, is not called.
    """

    automatically_set_content_length = False

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """The headers, without those of the body where that is not sent."""
        return self.headers if self.status_code == HTTPStatus.OK else super().get_wsgi_headers(environ)


def response_from_entry(entry: Entry, now: float) -> Response:
    """An entry as an answer, or 304 for a client that has it."""
    age = str(max(0, int(entry.age(now))))
    headers = StoredHeaders([*entry.metadata.headers, ("Age", age), ("X-Cache", "HIT")])
    return revalidated(CachedResponse([entry.body], headers=headers, direct_passthrough=True))
