"""What a view answers with."""

import msgspec
from flask import Response


def json_response(body: object, status: int = 200) -> Response:
    """A JSON answer; a body with a revision gets it as its ETag (RFC 9110, section 8.8.3)."""
    answer = Response(msgspec.json.encode(body), status, content_type="application/json")
    revision = getattr(body, "revision", None)
    if revision is not None:
        answer.set_etag(revision)
    return answer
