"""JSON responses and conditional requests."""

from http import HTTPStatus

import msgspec
from flask import Response, request

from shared.web.compression import gzip_etag, revision_of


def json_response(body: object, status: int = HTTPStatus.OK) -> Response:
    """Return a JSON response; if the body has a `revision`, it is the ETag (RFC 9110, section 8.8.3)."""
    response = Response(msgspec.json.encode(body), status, content_type="application/json")
    revision = getattr(body, "revision", None)
    if revision is not None:
        response.set_etag(revision)
    return response


def make_conditional(response: Response) -> Response:
    """Turn the response into a 304 without a body if If-None-Match names its ETag.

    If-None-Match is a list that is compared weakly; `*` matches every ETag (RFC 9110, section 13.1.2). It may
    name the ETag of the form with or without gzip. A 304 keeps the headers that update the client's copy;
    werkzeug drops the headers of the body.
    """
    if "HTTP_IF_NONE_MATCH" not in request.environ:
        return response
    tag, _ = response.get_etag()
    known_tags = request.if_none_match
    tags = () if tag is None else (revision_of(tag), gzip_etag(revision_of(tag)))
    if any(map(known_tags.contains_weak, tags)):
        response.status_code = HTTPStatus.NOT_MODIFIED
        response.set_data(b"")
    return response
