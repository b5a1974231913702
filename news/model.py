"""The News type, and what may be sent to make, change and find one."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.clock import microseconds, timestamp
from shared.constants import DEFAULT_LIMIT
from shared.validation import LINE, LINES

MAX_URL_LENGTH = 2048

REFUSED_IN_URLS = (
    r"\u0000-\u0020\u007f-\u00a0"  # control characters and blanks
    r"\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # blanks
    r"\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f"  # direction of text, invisible operators
    r"\u180e\u200b\ufeff"  # zero-width spaces
)
"""The characters that no URL may contain, as a part of a character class.

They are listed because the categories of Unicode differ between versions of Python. Zero-width joiners and
non-joiners are allowed: words in Persian and in languages of India are spelled with them.
"""

Title = Annotated[str, Meta(min_length=1, max_length=300, pattern=LINE)]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_URL_LENGTH,
        description="http or https; stored in the normal form of its equivalents (RFC 3986, section 6.2)",
        # checked, with the rest, by the service
        extra_json_schema={"pattern": rf"^[Hh][Tt][Tt][Pp][Ss]?://[^{REFUSED_IN_URLS}]+\Z"},
    ),
]
Source = Annotated[str, Meta(min_length=1, max_length=100, pattern=LINE)]
Category = Annotated[str, Meta(max_length=40, pattern=r"^[A-Za-z0-9-]+\Z")]
Summary = Annotated[str, Meta(max_length=2000, pattern=LINES)]
DateTime = Annotated[
    datetime, Meta(tz=True, description="RFC 3339, with any offset; second 60 is taken as second 59")
]
UtcDateTime = Annotated[datetime, Meta(tz=True, description="RFC 3339, in UTC")]


class News(Struct, frozen=True, kw_only=True):
    """A news item; every time is in UTC."""

    id: Annotated[str, Meta(description="UUIDv5 of the url", extra_json_schema={"format": "uuid"})]
    title: Title
    url: Url
    source: Source
    category: Category
    summary: Summary | None
    published_at: UtcDateTime
    created_at: UtcDateTime
    updated_at: UtcDateTime
    version: Annotated[int, Meta(ge=1, description="counts the changes of the item")]

    @property
    def revision(self) -> str:
        """A name for this state of the item, which no other has, even if it is deleted and created again."""
        return f"{self.version}-{microseconds(self.created_at):x}"


class NewsInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent to create an item; without `published_at` it is the time of creation."""

    title: Title
    url: Url
    source: Source
    category: Category
    summary: Summary | None = None
    published_at: DateTime | None = None


class NewsReplacement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent to replace an item; its url never changes, so it may be left out."""

    title: Title
    source: Source
    category: Category
    url: Url | UnsetType = UNSET
    summary: Summary | None = None
    published_at: DateTime | None = None


class NewsParameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a list, as they are sent."""

    limit: str = str(DEFAULT_LIMIT)
    cursor: str | None = None
    category: Category | None = None
    source: Source | None = None
    since: DateTime | None = None
    until: DateTime | None = None


class NewsFilter(Struct, frozen=True, kw_only=True):
    """Which items a list holds: those published from `since` on and before `until`, both in UTC."""

    category: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class NewsQuery(Struct, frozen=True, kw_only=True):
    """A checked question for one page: the items of a filter that come after the position `after`."""

    limit: int = DEFAULT_LIMIT
    filter: NewsFilter = NewsFilter()
    after: str | None = None


class NewsPage(Struct, frozen=True):
    """One page of a list, newest first; without `next_cursor` it is the last."""

    items: list[News]
    next_cursor: str | None


UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""What an id looks like."""

POSITION = rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}}Z#{UUID}"
"""What `position` makes, as a pattern."""


def position(news: News) -> str:
    """The place of an item in every list."""
    return f"{timestamp(news.published_at)}#{news.id}"
