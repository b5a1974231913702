"""The rules that input has to keep, for the service: plain data in, checked values in UTC out."""

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
    MAX_URL_LENGTH,
    POSITION,
    REFUSED_IN_URLS,
    News,
    NewsFilter,
    NewsInput,
    NewsParameters,
    NewsQuery,
    NewsReplacement,
)
from shared import pagination as cursor
from shared.errors import InvalidInput
from shared.validation import page_size, to_utc, validate

Given = TypeVar("Given", NewsInput, NewsReplacement)

URL = re.compile(r"(https?)://([^/?#]*)([^#]*)", re.ASCII | re.IGNORECASE)
"""Scheme, authority, and path with query (RFC 3986, appendix B)."""

REFUSED = re.compile(f"[{REFUSED_IN_URLS}]")
DEFAULT_PORTS = {"http": 80, "https": 443}


def check_item(data: object, kind: type[Given]) -> Given:
    """What was sent to create or replace an item.

    Raises:
        InvalidInput: a field breaks a rule.
    """
    given = validate(data, kind)
    changes: dict[str, object] = {}
    if given.url is not UNSET:
        changes["url"] = normalize_url(given.url)
    if given.published_at is not None:
        changes["published_at"] = to_utc("published_at", given.published_at)
    return replace(given, **changes)


def check_query(parameters: Mapping[str, str]) -> NewsQuery:
    """What was sent to ask for a list; two that ask the same become equal.

    Raises:
        InvalidInput: a parameter breaks a rule, or the cursor isn't one for these filters.
    """
    return _checked_query(tuple(parameters.items()))


@lru_cache(maxsize=256)  # the same few are asked for all the time
def _checked_query(parameters: tuple[tuple[str, str], ...]) -> NewsQuery:
    given = validate(dict(parameters), NewsParameters)
    limit = page_size(given.limit)
    wanted = NewsFilter(
        category=given.category,
        source=given.source,
        since=to_utc("since", given.since) if given.since else None,
        until=to_utc("until", given.until) if given.until else None,
    )
    if wanted.since and wanted.until and wanted.since > wanted.until:
        raise InvalidInput("until", "must not be before since")
    after = None
    if given.cursor is not None:
        after = cursor.decode(given.cursor, asdict(wanted), POSITION)
    return NewsQuery(limit=limit, filter=wanted, after=after)


def normalize_url(url: str) -> str:
    """Return the one form of all equivalent URLs (RFC 3986, sections 6.2.2.1 and 6.2.3).

    Scheme and host are in lower case, an empty path is `/`, the scheme's default port and the fragment are
    left out.

    Raises:
        InvalidInput: it is no http or https URL, or contains a character that is refused.
    """
    if REFUSED.search(url):
        raise InvalidInput("url", "must not contain blanks, control characters or invisible characters")
    found = URL.match(url)
    if not found or not _has_host(url):
        raise InvalidInput("url", "must be an http or https URL with a host")
    scheme, rest = found[1].lower(), found[3]
    path = rest if rest.startswith("/") else f"/{rest}"
    normal = f"{scheme}://{_normalize_authority(found[2], DEFAULT_PORTS[scheme])}{path}"
    if len(normal) > MAX_URL_LENGTH:
        raise InvalidInput("url", f"must have at most {MAX_URL_LENGTH} characters")
    return normal


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0  # port raises ValueError where it is no port at all
    except ValueError:
        return False


def _normalize_authority(authority: str, default_port: int) -> str:
    user, at, place = authority.rpartition("@")
    host, port = re.sub(r":[0-9]*\Z", "", place), re.search(r":([0-9]+)\Z", place)
    if port and int(port[1]) != default_port:
        return f"{user}{at}{host.lower()}:{int(port[1])}"
    return f"{user}{at}{host.lower()}"


def build_item(
    given: NewsInput | NewsReplacement, url: str, *, created_at: datetime, updated_at: datetime, version: int
) -> News:
    """Return the item for the input, with the fields that the service sets."""
    return News(
        id=str(uuid5(NAMESPACE_URL, url)),
        title=given.title,
        url=url,
        source=given.source,
        category=given.category,
        summary=given.summary,
        published_at=given.published_at or created_at,
        created_at=created_at,
        updated_at=updated_at,
        version=version,
    )


def is_same_item(stored: News, given: NewsInput) -> bool:
    """Return whether creating an item from the input would make the stored one."""
    return stored == build_item(
        given,
        given.url,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
        version=stored.version,
    )
