"""Conditional requests: an ETag on every answer, and 304 for a client that has it (RFC 9110, section 13)."""

from http import HTTPStatus

from flask import Response, request


def revalidated(answer: Response) -> Response:
    """The answer with an ETag, or, where If-None-Match names that, 304 without the body.

    If-None-Match compares weakly, takes a list, and `*` stands for whatever there is (section 13.1.2). A 304
    keeps the headers that a client updates what it holds with; werkzeug drops those of the body.
    """
    answer.add_etag()  # a hash of the body, where the view set none
    tag, _ = answer.get_etag()
    if tag is not None and request.if_none_match.contains_weak(tag):
        answer.status_code = HTTPStatus.NOT_MODIFIED
        answer.set_data(b"")
    return answer
