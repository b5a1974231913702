"""Parsers of settings that are URLs: each returns a URL that its client library accepts.

Each raises ValueError with the expected format. The message never quotes the value, which can contain a
password.
"""

import re
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

REDIS_URL_FORMAT = (
    "must be a URL such as redis://127.0.0.1:6379/0, rediss://host:6379 or unix:///run/redis.sock"
)
ENDPOINT_FORMAT = "must be a URL such as http://127.0.0.1:4567, without user, query or fragment"
JWKS_FORMAT = "must be the URL of a JWKS such as https://login.example.com/jwks.json, or a readable file"
ORIGINS_FORMAT = "must be a list of origins such as https://app.example.com, or * alone for any"

MAX_SOCKET_PATH_BYTES = 107
"""https://man7.org/linux/man-pages/man7/unix.7.html: sun_path has 108 bytes, with the NUL at the end."""

MAX_HOST_CHARACTERS = 253
MAX_PORT = 65535
DEFAULT_PORTS = {"http": ":80", "https": ":443"}

HOST_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
AUTHORITY = rf"({HOST_LABEL}(\.{HOST_LABEL})*|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{{0,4}})?"
"""Host and port (RFC 3986, section 3.2) in ASCII; names in Unicode need the form xn--..."""


def parse_redis_url(text: str) -> str:
    """Return a URL that redis-py accepts.

    Options are errors, since ?ssl_cert_reqs=none or ?socket_timeout=60 would override the client settings.

    Raises:
        ValueError: The URL is invalid.
    """
    url = _split(text, ("redis", "rediss", "unix"), REDIS_URL_FORMAT)
    userinfo, _, authority = url.netloc.rpartition("@")
    _decode(userinfo, REDIS_URL_FORMAT)
    if url.scheme == "unix":
        is_usable = not authority and _is_socket_path(_decode(url.path, REDIS_URL_FORMAT))
        options = r"(db=[0-9]{1,5})?"
    else:
        is_usable = _is_authority(authority) and bool(re.fullmatch(r"/?|/[0-9]{1,5}", url.path))
        options = ""
    if not is_usable:
        raise ValueError(REDIS_URL_FORMAT)
    if not re.fullmatch(options, url.query) or url.fragment:
        raise ValueError(f"{REDIS_URL_FORMAT}, without options")
    return _normalize_scheme(url, text)


def parse_endpoint_url(text: str) -> str:
    """Return a URL that botocore accepts as an endpoint.

    Raises:
        ValueError: The URL is invalid.
    """
    url = _split(text, ("http", "https"), ENDPOINT_FORMAT)
    if not _is_authority(url.netloc) or "_" in url.netloc or url.query or url.fragment:
        raise ValueError(ENDPOINT_FORMAT)
    return _normalize_scheme(url, text)


def parse_jwks_location(text: str) -> str:
    """Return the URL or file of a key set. A text that starts with a scheme is never read as a file.

    Raises:
        ValueError: The URL is invalid.
    """
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        if text.isprintable() and text.strip() == text and _is_readable_file(text):
            return text
        raise ValueError(JWKS_FORMAT)
    url = _split(text, ("http", "https"), JWKS_FORMAT)
    if not _is_authority(url.netloc) or url.fragment:
        raise ValueError(JWKS_FORMAT)
    return _normalize_scheme(url, text)


def parse_origins(text: str) -> tuple[str, ...]:
    """Return origins as browsers send them (RFC 6454, section 6.2), or `*` alone.

    Raises:
        ValueError: An origin is invalid.
    """
    return ("*",) if text == "*" else tuple(_parse_origin(origin) for origin in re.split(r"[ ,]+", text))


def _parse_origin(text: str) -> str:
    url = _split(text, ("http", "https"), ORIGINS_FORMAT)
    origin = f"{url.scheme}://{url.netloc}"
    is_normal = url.netloc == url.netloc.lower() and _normalize_scheme(url, text) == origin
    if not _is_authority(url.netloc) or not is_normal:
        raise ValueError(ORIGINS_FORMAT)
    return origin.removesuffix(DEFAULT_PORTS[url.scheme])


def _split(text: str, schemes: tuple[str, ...], expected: str) -> SplitResult:
    """Split a URL of visible ASCII characters. urlsplit alone drops spaces, tabs and line breaks."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in schemes or not re.fullmatch(r"[!-~]+", rest):
        raise ValueError(expected)
    try:
        return urlsplit(f"{scheme.lower()}://{rest}")
    except ValueError:  # its message quotes the URL
        raise ValueError(expected) from None


def _normalize_scheme(url: SplitResult, text: str) -> str:
    """Return the URL with its scheme in lowercase. `geturl` would change unix:///path to unix:/path."""
    return f"{url.scheme}://{text.partition('://')[2]}"


def _is_authority(text: str) -> bool:
    """Return whether a text is `host` or `host:port`; an empty port hints at an unset variable."""
    matched = re.fullmatch(AUTHORITY, text)
    if matched is None or int((matched[3] or ":1")[1:]) > MAX_PORT:
        return False
    return len(matched[1]) <= MAX_HOST_CHARACTERS and (text[0] != "[" or _is_ipv6(matched[1][1:-1]))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _decode(text: str, expected: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:  # redis-py would send a different password
        raise ValueError(f"{expected}, percent-encoded as UTF-8") from None


def _is_socket_path(text: str) -> bool:
    is_path = text.startswith("/") and text.isprintable() and not text.endswith("/")
    return is_path and len(text.encode()) <= MAX_SOCKET_PATH_BYTES


def _is_readable_file(text: str) -> bool:
    try:
        if not Path(text).is_file():  # opening a named pipe would block
            return False
        with Path(text).open("rb"):
            return True
    except OSError:
        return False
