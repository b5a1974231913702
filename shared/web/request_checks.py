"""Checks of a request before its view: headers that a server does not check.

gunicorn passes on requests without `Host`, and bodies with a coding that it does not decode.
"""

import re
from ipaddress import AddressValueError, IPv6Address

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.exceptions import NotImplemented as UnsupportedTransferCoding

HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{0,5}))?")
MAX_PORT = 65535


class UnsupportedContentCoding(UnsupportedMediaType):
    """The body is compressed; no content coding is supported (RFC 9110, section 15.5.16)."""

    description = "Content-Encoding is not supported: send the body uncompressed."

    def get_headers(self, *args: object, **kwargs: object) -> list[tuple[str, str]]:
        """Return the headers with the supported codings (RFC 9110, section 12.5.3)."""
        return [*super().get_headers(*args, **kwargs), ("Accept-Encoding", "identity")]  # type: ignore[arg-type]


def reject_content_encoding() -> None:
    """Reject a body with a content coding.

    Raises:
        UnsupportedContentCoding: a Content-Encoding other than `identity`.
    """
    coding = request.environ.get("HTTP_CONTENT_ENCODING", "")
    if coding.strip().lower() not in {"", "identity"}:
        raise UnsupportedContentCoding


def reject_invalid_framing() -> None:
    """Reject what gunicorn does not: a request without a valid Host, or with a transfer coding.

    Raises:
        BadRequest: HTTP/1.1 without Host, or a Host that is not `host[:port]` (RFC 9112, section 3.2).
        UnsupportedTransferCoding: a Transfer-Encoding other than `chunked` (RFC 9112, section 6.1).
    """
    environ = request.environ
    host = environ.get("HTTP_HOST")
    if host is None and environ["SERVER_PROTOCOL"] != "HTTP/1.0":
        raise BadRequest("The Host header is missing.")
    if host is not None and not is_host(host):
        raise BadRequest("The Host header must be host[:port].")
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        raise UnsupportedTransferCoding("Transfer-Encoding must be chunked.")


def is_host(text: str) -> bool:
    """Return whether a Host is `host[:port]`, with a name, an IPv4 address or an IPv6 address in brackets."""
    match = HOST.fullmatch(text)
    if match is None or int(match["port"] or 0) > MAX_PORT:
        return False
    try:
        return match["address"] is None or bool(IPv6Address(match["address"]))
    except AddressValueError:
        return False
