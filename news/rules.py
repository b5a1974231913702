"""Input validation for the service: plain data in, typed values in UTC out."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from msgspec import UNSET
from msgspec.structs import asdict, replace

from news.model import (
    FORBIDDEN_IN_URLS,
    MAX_URL_LENGTH,
    SORT_KEY_PATTERN,
    News,
    NewsFilter,
    NewsInput,
    NewsParameters,
    NewsQuery,
    NewsReplacement,
)
from shared import pagination as cursor
from shared.errors import InvalidInput
from shared.validation import parse_limit, to_utc, validate

Input = TypeVar("Input", NewsInput, NewsReplacement)

URL = r"(?ai)(https?)://([^/?#]*)([^#]*)"
"""Scheme, authority, and path with query (RFC 3986, appendix B)."""

FORBIDDEN = f"[{FORBIDDEN_IN_URLS}]"
DEFAULT_PORTS = {"http": 80, "https": 443}


def validate_item(body: object, input_type: type[Input]) -> Input:
    """Return a request body as validated input, with a normalized URL and times in UTC.

    Raises:
        InvalidInput: a field breaks a rule.
    """
    data = validate(body, input_type)
    changes: dict[str, object] = {}
    if data.url is not UNSET:
        changes["url"] = normalize_url(data.url)
    if data.published_at is not None:
        changes["published_at"] = to_utc("published_at", data.published_at)
    return replace(data, **changes)


def parse_query(parameters: Mapping[str, str]) -> NewsQuery:
    """Return query parameters as a validated query; equivalent parameters give equal queries.

    Raises:
        InvalidInput: a parameter breaks a rule, or the cursor belongs to other filters.
    """
    return _parse_query(tuple(parameters.items()))


@lru_cache(maxsize=256)  # most requests repeat a few queries
def _parse_query(parameters: tuple[tuple[str, str], ...]) -> NewsQuery:
    data = validate(dict(parameters), NewsParameters)
    limit = parse_limit(data.limit)
    filters = NewsFilter(
        category=data.category,
        source=data.source,
        since=to_utc("since", data.since) if data.since else None,
        until=to_utc("until", data.until) if data.until else None,
    )
    if filters.since and filters.until and filters.since > filters.until:
        raise InvalidInput("until", "must not be before since")
    start_after = None
    if data.cursor is not None:
        start_after = cursor.decode(data.cursor, asdict(filters), SORT_KEY_PATTERN)
    return NewsQuery(limit=limit, filter=filters, start_after=start_after)


def normalize_url(url: str) -> str:
    """Return the normalized form of a URL (RFC 3986, sections 6.2.2.1 and 6.2.3).

    Scheme and host are in lower case. An empty path becomes `/`. The default port and the fragment are
    removed.

    Raises:
        InvalidInput: the URL is not http or https, or contains a forbidden character.
    """
    if re.search(FORBIDDEN, url):
        raise InvalidInput("url", "must not contain spaces, control characters or invisible characters")
    match = re.match(URL, url)
    if not match or not _has_host(url):
        raise InvalidInput("url", "must be an http or https URL with a host")
    scheme, rest = match[1].lower(), match[3]
    path = rest if rest.startswith("/") else f"/{rest}"
    normalized = f"{scheme}://{_normalize_authority(match[2], DEFAULT_PORTS[scheme])}{path}"
    if len(normalized) > MAX_URL_LENGTH:
        raise InvalidInput("url", f"must have at most {MAX_URL_LENGTH} characters")
    return normalized


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0  # an invalid port raises ValueError
    except ValueError:
        return False


def _normalize_authority(authority: str, default_port: int) -> str:
    userinfo, at, host_and_port = authority.rpartition("@")
    host = re.sub(r":[0-9]*\Z", "", host_and_port)
    port = re.search(r":([0-9]+)\Z", host_and_port)
    if port and int(port[1]) != default_port:
        return f"{userinfo}{at}{host.lower()}:{int(port[1])}"
    return f"{userinfo}{at}{host.lower()}"


def build_item(
    data: NewsInput | NewsReplacement, url: str, *, created_at: datetime, updated_at: datetime, version: int
) -> News:
    """Return an item from validated input and the fields that the service sets."""
    return News(
        id=str(uuid5(NAMESPACE_URL, url)),
        title=data.title,
        url=url,
        source=data.source,
        category=data.category,
        summary=data.summary,
        published_at=data.published_at or created_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


def is_same_item(stored: News, data: NewsInput) -> bool:
    """Return whether the input equals the stored item, apart from the fields that the service sets."""
    return stored == build_item(
        data,
        data.url,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        version=stored.version,
    )
