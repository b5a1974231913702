"""The News type, and what may be sent to make, change and find one."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.clock import microseconds, timestamp
from shared.constants import DEFAULT_LIMIT

Title = Annotated[str, Meta(min_length=1, max_length=300)]
Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2048,
        description="http or https",
        extra_json_schema={"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://."},  # checked, with the rest, by the service
    ),
]
Source = Annotated[str, Meta(min_length=1, max_length=100)]
Category = Annotated[str, Meta(max_length=40, pattern="^[A-Za-z0-9-]+$")]
Summary = Annotated[str, Meta(max_length=2000)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with any offset")]
MomentInUtc = Annotated[datetime, Meta(tz=True, description="RFC 3339, in UTC")]


class News(Struct, frozen=True, kw_only=True):
    """A news item; every time is in UTC."""

    id: Annotated[str, Meta(description="UUIDv5 of the url", extra_json_schema={"format": "uuid"})]
    title: Title
    url: Url
    source: Source
    category: Category
    summary: Summary | None
    published_at: MomentInUtc
    created_at: MomentInUtc
    updated_at: MomentInUtc
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
    published_at: Moment | None = None


class NewsReplacement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent to replace an item; its url never changes, so it may be left out."""

    title: Title
    source: Source
    category: Category
    url: Url | UnsetType = UNSET
    summary: Summary | None = None
    published_at: Moment | None = None


class NewsParameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a list, as they are sent."""

    limit: str = str(DEFAULT_LIMIT)
    cursor: str | None = None
    category: Category | None = None
    source: Source | None = None
    since: Moment | None = None
    until: Moment | None = None


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
