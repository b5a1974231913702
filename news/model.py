"""Types of the news module: the item, request bodies, queries and pages."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.clock import microseconds, timestamp
from shared.constants import DEFAULT_LIMIT
from shared.validation import LINE, LINES

MAX_URL_LENGTH = 2048

FORBIDDEN_IN_URLS = (
    r"\u0000-\u0020\u007f-\u00a0"  # control characters and spaces
    r"\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # spaces
    r"\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f"  # bidirectional controls, invisible operators
    r"\u180e\u200b\ufeff"  # zero-width spaces
)
"""Characters that a URL must not contain, for use in a regex character class.

They are listed because Unicode categories differ between Python versions. Zero-width joiners and non-joiners
are allowed: Persian and several Indian languages need them for spelling.
"""

Title = Annotated[str, Meta(min_length=1, max_length=300, pattern=LINE)]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_URL_LENGTH,
        description="http or https; stored in normalized form (RFC 3986, section 6.2)",
        # the service enforces it
        extra_json_schema={"pattern": rf"^[Hh][Tt][Tt][Pp][Ss]?://[^{FORBIDDEN_IN_URLS}]+\Z"},
    ),
]
Source = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
Category = Annotated[str, Meta(max_length=40, pattern=r"^[A-Za-z0-9-]+\Z")]
Summary = Annotated[str, Meta(max_length=2000, pattern=LINES)]
DateTime = Annotated[
    datetime, Meta(tz=True, description="RFC 3339 with any offset; second 60 is stored as second 59")
]
UtcDateTime = Annotated[datetime, Meta(tz=True, description="RFC 3339 in UTC")]


class News(Struct, frozen=True, kw_only=True):
    """A news item. All times are in UTC."""

    id: Annotated[str, Meta(description="UUIDv5 of the url", extra_json_schema={"format": "uuid"})]
    title: Title
    url: Url
    source: Source
    category: Category
    summary: Summary | None
    published_at: UtcDateTime
    created_at: UtcDateTime
    updated_at: UtcDateTime
    version: Annotated[int, Meta(ge=1, description="incremented by each change of the item")]

    @property
    def revision(self) -> str:
        """The value of the ETag. It is unique to this state, even if the item is deleted and recreated."""
        return f"{self.version}-{microseconds(self.created_at):x}"


class NewsInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request body to create an item; `published_at` defaults to the time of creation."""

    title: Title
    url: Url
    source: Source
    category: Category
    summary: Summary | None = None
    published_at: DateTime | None = None


class NewsReplacement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request body to replace an item; `url` is optional because it cannot change."""

    title: Title
    source: Source
    category: Category
    url: Url | UnsetType = UNSET
    summary: Summary | None = None
    published_at: DateTime | None = None


class NewsParameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a list, before validation."""

    limit: str = str(DEFAULT_LIMIT)
    cursor: str | None = None
    category: Category | None = None
    source: Source | None = None
    since: DateTime | None = None
    until: DateTime | None = None


class NewsFilter(Struct, frozen=True, kw_only=True):
    """The filters of a list: items published at or after `since` and before `until`, both in UTC."""

    category: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class NewsQuery(Struct, frozen=True, kw_only=True):
    """The validated query for one page: items that match `filter` and follow the key `start_after`."""

    limit: int = DEFAULT_LIMIT
    filter: NewsFilter = NewsFilter()
    start_after: str | None = None


class NewsPage(Struct, frozen=True):
    """A page of a list, newest first; `next_cursor` is null on the last page."""

    items: list[News]
    next_cursor: str | None


UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""A regex for an id."""

SORT_KEY_PATTERN = rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}}Z#{UUID}"
"""A regex for a sort key."""


def sort_key(news: News) -> str:
    """Return the sort key of an item in every index."""
    return f"{timestamp(news.published_at)}#{news.id}"
