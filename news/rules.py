"""The rules that input has to keep, for the service: plain data in, checked values in UTC out."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import UNSET
from msgspec.structs import asdict, replace

from news.model import POSITION, NewsFilter, NewsInput, NewsParameters, NewsQuery, NewsReplacement
from shared import cursor
from shared.checks import checked, in_utc, page_size
from shared.errors import InvalidInput

Given = TypeVar("Given", NewsInput, NewsReplacement)


def check_item(data: object, kind: type[Given]) -> Given:
    """What was sent to create or replace an item.

    Raises:
        InvalidInput: a field breaks a rule.
    """
    given = checked(data, kind)
    _check_category(given.category)
    if given.url is not UNSET:
        _check_url(given.url)
    if given.published_at is None:
        return given
    return replace(given, published_at=in_utc("published_at", given.published_at))


def check_query(parameters: Mapping[str, str]) -> NewsQuery:
    """What was sent to ask for a list; two that ask the same become equal.

    Raises:
        InvalidInput: a parameter breaks a rule, or the cursor isn't one for these filters.
    """
    return _checked_query(tuple(parameters.items()))


@lru_cache(maxsize=256)  # the same few are asked for all the time
def _checked_query(parameters: tuple[tuple[str, str], ...]) -> NewsQuery:
    given = checked(dict(parameters), NewsParameters)
    _check_category(given.category)
    limit = page_size(given.limit)
    wanted = NewsFilter(
        category=given.category,
        source=given.source,
        since=in_utc("since", given.since) if given.since else None,
        until=in_utc("until", given.until) if given.until else None,
    )
    if wanted.since and wanted.until and wanted.since > wanted.until:
        raise InvalidInput("until", "must not be before since")
    after = None
    if given.cursor is not None:
        after = cursor.decode(given.cursor, asdict(wanted), POSITION)
    return NewsQuery(limit=limit, filter=wanted, after=after)


def _check_category(category: str | None) -> None:
    if category and category.endswith("\n"):  # which `$` at the end of its pattern lets through
        raise InvalidInput("category", "must not end with a line break")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0  # port raises where it is no port at all
    except ValueError:
        has_place = False
    if not has_place or not re.match("https?://", url, re.IGNORECASE):
        raise InvalidInput("url", "must be an http or https URL with a host")
    if " " in url or not url.isprintable():
        raise InvalidInput("url", "must not hold blanks or control characters")
