"""Use cases of news. Other modules import this file only."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Self, cast

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from news.model import UUID, News, NewsInput, NewsPage, NewsQuery, NewsReplacement
from news.rules import build_item, is_same_item, normalize_url, parse_query, validate_item
from shared import pagination as cursor
from shared.clock import utc_now
from shared.config import Settings
from shared.errors import Conflict, InvalidInput, NotFound, UnreadableItem
from shared.lazy import Lazy
from shared.revisions import accept_own_retry, get_in_revision

if TYPE_CHECKING:
    from news.dao import NewsDao

BATCH = 25
"""The maximum number of items for `create_many`: the limit of DynamoDB's BatchWriteItem."""


class BulkResult(Struct, frozen=True):
    """The result of `create_many`.

    Attributes:
        created: the number of new items.
        existing: the number of items that were stored before.
        rejected: the reason for each rejected item, by its index in the input.
    """

    created: int
    existing: int
    rejected: dict[int, str]


class NewsService:
    """The use cases of news.

    Methods that read or write items raise `Unavailable` if the database is unavailable. Methods that accept
    plain data raise `InvalidInput` with the field that breaks a rule.
    """

    def __init__(self, dao: "NewsDao", now: Callable[[], datetime] = utc_now) -> None:
        self._dao = dao
        self._now = now

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the service on the table of a stage.

        Raises:
            SettingsError: the name of the table is not set.
        """
        settings.table("news")  # fail at startup: the lazy DAO reads it at the first call
        create_dao = partial(_create_dao, settings)
        return cls(create_dao() if settings.preload else cast("NewsDao", Lazy(create_dao)))

    def parse_query(self, parameters: Mapping[str, str]) -> NewsQuery:
        """Validate the optional strings `limit`, `cursor`, `category`, `source`, `since` and `until`.

        Equivalent parameters give equal queries.
        """
        return parse_query(parameters)

    def page(self, query: NewsQuery) -> NewsPage:
        """Return one page, newest first.

        A page may contain fewer items than the limit; only the last page has no next cursor.
        """
        items, last_key = self._dao.page(query.filter, query.start_after, query.limit)
        return NewsPage(items, cursor.encode(asdict(query.filter), last_key) if last_key else None)

    def get(self, news_id: str) -> News:
        """Return an item. The id is not case-sensitive.

        Raises:
            NotFound: no item has this id.
        """
        news_id = news_id.lower()
        item = self._dao.find(news_id) if re.fullmatch(UUID, news_id) else None
        if item is None:
            raise NotFound(f"No news item has the id {news_id!r}.")
        return item

    def create(self, data: object) -> tuple[News, bool]:
        """Store an item, and return it with True; if the same item is stored already, return that with False.

        Raises:
            Conflict: a different item has this url.
        """
        valid = validate_item(data, NewsInput)
        item = self._new_item(valid)
        try:
            self._dao.add(item)
        except Conflict:
            stored = None
            with suppress(UnreadableItem):  # a different item, then
                stored = self._dao.find(item.id)
            if stored == item:  # to the microsecond: an SDK retry of this very write
                return item, True
            if stored is None or not is_same_item(stored, valid):
                raise Conflict(f"A different item with this url exists: {item.id}.") from None
            return stored, False
        return item, True

    def create_many(self, data: Sequence[object]) -> BulkResult:
        """Store up to 25 items for a bulk import; items whose url is stored already stay unchanged.

        The method overwrites an item that another client creates or changes in the few milliseconds between
        its read and its write: BatchWriteItem has no conditions.
        """
        new: dict[str, News] = {}
        rejected: dict[int, str] = {}
        for index, item_data in enumerate(data):
            try:
                item = self._new_item(validate_item(item_data, NewsInput))
                new.setdefault(item.id, item)
            except InvalidInput as error:
                rejected[index] = str(error)
        stored_ids = {item.id for item in self._dao.find_many(new)}
        created = [item for item in new.values() if item.id not in stored_ids]
        self._dao.add_many(created)
        return BulkResult(len(created), len(data) - len(created) - len(rejected), rejected)

    def replace(self, news_id: str, data: object, expected: Container[str]) -> News:
        """Replace an item if its revision is one of the expected ones.

        Raises:
            NotFound: no item has this id.
            Stale: the item has another revision.
        """
        valid = validate_item(data, NewsReplacement)
        stored = get_in_revision(self.get, news_id, expected)
        if valid.url is not UNSET and valid.url != normalize_url(stored.url):
            raise InvalidInput("url", "cannot change; create a new item")
        item = build_item(
            valid,
            stored.url,
            created_at=stored.created_at,
            updated_at=self._now(),
            version=stored.version + 1,
        )
        with accept_own_retry(lambda: self._dao.find(item.id) == item):
            self._dao.replace(item)
        return item

    def delete(self, news_id: str, expected: Container[str] | None = None) -> None:
        """Delete an item if its revision is one of the expected ones; None matches every revision.

        Raises:
            NotFound: no item has this id.
            Stale: the item has another revision.
        """
        news_id, stored = news_id.lower(), None
        if expected is None:
            with suppress(UnreadableItem):  # an unreadable item can be deleted
                self.get(news_id)
        else:
            stored = get_in_revision(self.get, news_id, expected)
        with accept_own_retry(lambda: self._dao.find(news_id) is None):
            self._dao.delete(news_id, stored)

    def ping(self) -> None:
        """Read from the table, for the health check."""
        self._dao.ping()

    def _new_item(self, data: NewsInput) -> News:
        now = self._now()
        return build_item(data, data.url, created_at=now, updated_at=now, version=1)


def _create_dao(settings: Settings) -> "NewsDao":
    from news.dao import NewsDao  # noqa: PLC0415  # imports the AWS SDK; see Lazy

    return NewsDao(settings)
