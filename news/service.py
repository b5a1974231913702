"""What can be done with news, and the rules for it: the module's only door for other modules."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self, cast

from msgspec import UNSET
from msgspec.structs import asdict

from news.model import UUID, News, NewsInput, NewsPage, NewsQuery, NewsReplacement
from news.rules import build_item, check_item, check_query, is_same_item, normalize_url
from shared import pagination as cursor
from shared.clock import utc_now
from shared.config import Settings
from shared.errors import Conflict, InvalidInput, NotFound, Stale, UnreadableItem
from shared.lazy import Lazy

if TYPE_CHECKING:
    from news.dao import NewsDao

BATCH = 25
"""Items that `create_many` takes at once: what DynamoDB writes in one request."""


class BulkResult(NamedTuple):
    """What became of the items given to `create_many`; refused ones by their place, with the reason."""

    created: int
    existing: int
    refused: dict[int, str]


class NewsService:
    """The use cases of news.

    Every method that reads or writes items raises `Unavailable` where the database can't be had, and every
    method that is given plain data raises `InvalidInput`, with the field, where that breaks a rule.
    """

    def __init__(self, dao: "NewsDao", now: Callable[[], datetime] = utc_now) -> None:
        self._dao = dao
        self._now = now

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The service on the table of a stage; where that isn't set, SettingsError."""
        settings.table("news")  # which the dao reads only when it is made
        make = partial(_make_dao, settings)
        return cls(make() if settings.preload else cast("NewsDao", Lazy(make)))

    def query(self, parameters: Mapping[str, str]) -> NewsQuery:
        """Check `limit`, `cursor`, `category`, `source`, `since` and `until`: texts, each of them optional.

        Parameters that ask for the same become equal.
        """
        return check_query(parameters)

    def page(self, query: NewsQuery) -> NewsPage:
        """One page, newest first.

        It may hold fewer items than asked for and yet not be the last: only that has no next cursor.
        """
        items, last = self._dao.page(query.filter, query.after, query.limit)
        return NewsPage(items, cursor.encode(asdict(query.filter), last) if last else None)

    def get(self, news_id: str) -> News:
        """One item; upper and lower case are alike in its id.

        Raises:
            NotFound: there is none with that id.
        """
        news_id = news_id.lower()
        item = self._dao.find(news_id) if re.fullmatch(UUID, news_id) else None
        if item is None:
            raise NotFound(f"There is no news with id {news_id!r}.")
        return item

    def create(self, data: object) -> tuple[News, bool]:
        """Store a new item, and say whether it is new: the very same one again changes nothing.

        Raises:
            Conflict: its url holds another item.
        """
        given = check_item(data, NewsInput)
        item = self._new(given)
        try:
            self._dao.add(item)
        except Conflict:
            stored = None
            with suppress(UnreadableItem):  # which holds something else
                stored = self._dao.find(item.id)
            if stored == item:  # to the microsecond: a try of ours that was thought lost
                return item, True
            if stored is None or not is_same_item(stored, given):
                raise Conflict(f"The url holds another item, {item.id}.") from None
            return stored, False
        return item, True

    def create_many(self, data: Sequence[object]) -> BulkResult:
        """Store up to 25 new items; those whose url is known are left as they are.

        For loading data. An item that somebody else creates or changes between this method's read and its
        write, a few milliseconds later, is overwritten: DynamoDB's batches know no conditions.
        """
        new: dict[str, News] = {}
        refused: dict[int, str] = {}
        for place, each in enumerate(data):
            try:
                item = self._new(check_item(each, NewsInput))
                new.setdefault(item.id, item)
            except InvalidInput as error:
                refused[place] = str(error)
        known = {item.id for item in self._dao.find_many(new)}
        created = [item for item in new.values() if item.id not in known]
        self._dao.add_many(created)
        return BulkResult(len(created), len(data) - len(created) - len(refused), refused)

    def replace(self, news_id: str, data: object, expected: Container[str]) -> News:
        """Store new values for an item that is in one of the expected revisions.

        Raises:
            NotFound: there is none with that id.
            Stale: it is in another revision.
        """
        given = check_item(data, NewsReplacement)
        stored = self._in_revision(news_id, expected)
        if given.url is not UNSET and given.url != normalize_url(stored.url):
            raise InvalidInput("url", "never changes; create another item")
        item = build_item(
            given,
            stored.url,
            created_at=stored.created_at,
            updated_at=self._now(),
            version=stored.version + 1,
        )
        try:
            self._dao.replace(item)
        except Stale:
            if self._dao.find(stored.id) != item:  # else a try of ours that was thought lost
                raise
        return item

    def delete(self, news_id: str, expected: Container[str] | None = None) -> None:
        """Remove an item that is in one of the expected revisions, or in any.

        Raises:
            NotFound: there is none with that id.
            Stale: it is in another revision.
        """
        news_id, stored = news_id.lower(), None
        if expected is None:
            with suppress(UnreadableItem):  # which can be removed all the same
                self.get(news_id)
        else:
            stored = self._in_revision(news_id, expected)
        try:
            self._dao.remove(news_id, stored)
        except Stale:
            if self._dao.find(news_id) is not None:
                raise

    def check(self) -> None:
        """Find out whether the database answers."""
        self._dao.check()

    def _in_revision(self, news_id: str, expected: Container[str]) -> News:
        try:
            stored = self.get(news_id)
        except UnreadableItem as error:
            raise Stale(f"The news {news_id} cannot be read, so its revision is not known.") from error
        if stored.revision not in expected:
            raise Stale(f"The news {stored.id} has changed; its ETag is another one by now.")
        return stored

    def _new(self, given: NewsInput) -> News:
        now = self._now()
        return build_item(given, given.url, created_at=now, updated_at=now, version=1)


def _make_dao(settings: Settings) -> "NewsDao":
    from news.dao import NewsDao  # noqa: PLC0415  # with the AWS SDK; see Lazy

    return NewsDao(settings)
