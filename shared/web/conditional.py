"""Conditional requests: 304 for a client that has what it asks for (RFC 9110, section 13)."""

from http import HTTPStatus

from flask import Response, request


def make_conditional(answer: Response) -> Response:
    """The answer, or, where If-None-Match names its ETag, 304 without the body.

    If-None-Match compares weakly, takes a list, and `*` stands for whatever there is (section 13.1.2). A 304
    keeps the headers that a client updates what it holds with; werkzeug drops those of the body.
    """
    if "HTTP_IF_NONE_MATCH" not in request.environ:
        return answer
    tag, _ = answer.get_etag()
    if tag is not None and request.if_none_match.contains_weak(tag):
        answer.status_code = HTTPStatus.NOT_MODIFIED
        answer.set_data(b"")
    return answer
