"""News in DynamoDB: single items by id, and pages of the three lists."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple
from zlib import crc32

from msgspec.structs import asdict
from pynamodb.indexes import GlobalSecondaryIndex

from news.model import POSITION, News, NewsFilter, position
from news.table import NewsRecord, feed_key
from shared.clock import timestamp
from shared.config import Settings
from shared.dynamodb.batches import get_items, put_items
from shared.dynamodb.errors import database_errors
from shared.dynamodb.items import (
    MAX_EXAMINED,
    ItemReader,
    RawItem,
    read_optional_text,
    read_sort_key,
    read_text,
    read_time,
    read_version,
)
from shared.dynamodb.tables import bind, first_page_size, get_item, query_items
from shared.errors import Conflict, DomainError, Stale

FIRST, LAST = "0", ":"
"""Texts before and behind every position: positions begin with a digit."""


class Page(NamedTuple):
    """Items of a list, and the position to go on from, or None at the end."""

    items: list[News]
    last: str | None


class NewsDao:
    """Access to the table of one stage.

    Every method raises `Unavailable` where DynamoDB throttles, fails, can't be reached or has no such table.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._table_name = settings.table("news")
        self._table = bind(NewsRecord, self._table_name, settings)
        self._reader = ItemReader(self._table_name, _news)
        self._shards = settings.feed_shards
        self._sleep = sleep

    def find(self, news_id: str) -> News | None:
        """Return the item as of the last write.

        Raises:
            UnreadableItem: an attribute of it is missing or malformed.
        """
        with self._errors():
            item = get_item(self._table, news_id)
        return None if item is None else self._reader.read(item)

    def find_many(self, ids: Iterable[str]) -> list[News]:
        """Return those of at most 100 items that exist, as of the last write, in any order.

        Raises:
            Unavailable: DynamoDB left some of the keys unprocessed, however often they were sent again.
            UnreadableItem: an attribute of one is missing or malformed.
        """
        with self._errors():
            items = get_items(self._table, list(ids), self._sleep)
        return [self._reader.read(item) for item in items]

    def page(self, wanted: NewsFilter, after: str | None, limit: int) -> Page:
        """Return up to `limit` items behind a position, newest first.

        A page may be short and yet not the last; items that cannot be read are left out.
        """

        def matches(item: RawItem) -> bool:
            return wanted.category is None or item.get("category") == {"S": wanted.category}

        with self._errors():
            page = self._reader.take_page(self._items(wanted, after, limit), limit, POSITION, matches)
        return Page(*page)

    def add(self, news: News) -> None:
        """Store a new item.

        Raises:
            Conflict: there is one with its id.
        """
        with self._errors(Conflict(f"news {news.id} exists")):
            self._row(news, stored_version=None).save()

    def add_many(self, items: Sequence[News]) -> None:
        """Store items, at most 25, over whatever is there: DynamoDB's batches know no conditions.

        Raises:
            Unavailable: DynamoDB left some of them unprocessed, however often they were sent again.
        """
        rows = [self._row(news, stored_version=news.version) for news in items]
        with self._errors():
            put_items(rows, self._sleep)

    def replace(self, news: News) -> None:
        """Store the next version of an item.

        Raises:
            Stale: the version before it isn't the stored one, or the item was deleted and created again.
        """
        with self._errors(Stale(f"news {news.id} was changed meanwhile")):
            row = self._row(news, stored_version=news.version - 1)
            row.save(self._table.created_at == news.created_at)

    def remove(self, news_id: str, stored: News | None) -> None:
        """Remove an item, in the state that was read or, without one, in any.

        Raises:
            Stale: it is not there, or not in that state.
        """
        with self._errors(Stale(f"news {news_id} was changed meanwhile")):
            if stored is None:
                self._table(news_id).delete(self._table.id.exists(), add_version_condition=False)
            else:
                row = self._table(news_id, version=stored.version)
                row.delete(self._table.created_at == stored.created_at)

    def check(self) -> None:
        """Find out whether the table can be read."""
        self.find("health")

    def _errors(self, lost: DomainError | None = None) -> AbstractContextManager[None]:
        return database_errors(self._table_name, lost)

    def _row(self, news: News, stored_version: int | None) -> NewsRecord:
        shard = crc32(news.id.encode()) % self._shards
        row = self._table(feed=feed_key(shard), sort=position(news), **asdict(news))
        if stored_version is None:
            del row.attribute_values["version"]
        else:
            row.version = stored_version  # PynamoDB checks it, and saves the next
        return row

    def _items(self, wanted: NewsFilter, after: str | None, limit: int) -> Iterator[RawItem]:
        """Return the items of a list, newest first; of both a category and a source, those of the source."""
        low = timestamp(wanted.since) if wanted.since else FIRST
        high = timestamp(wanted.until) if wanted.until else LAST
        if after:
            high = min(high, _just_before(after))
        if low > high:
            return iter(())
        table, partitions = self._table, self._partitions(wanted)
        examined = MAX_EXAMINED if wanted.source and wanted.category else limit
        page_size = first_page_size(examined + 1, len(partitions))
        lists = (
            index.query(key, table.sort.between(low, high), scan_index_forward=False, page_size=page_size)
            for index, key in partitions
        )
        return heapq.merge(*map(query_items, lists), key=read_sort_key, reverse=True)

    def _partitions(self, wanted: NewsFilter) -> list[tuple[GlobalSecondaryIndex[NewsRecord], str]]:
        table = self._table
        if wanted.source:
            return [(table.by_source, wanted.source)]
        if wanted.category:
            return [(table.by_category, wanted.category)]
        return [(table.by_feed, feed_key(shard)) for shard in range(self._shards)]


def _news(item: RawItem) -> News:
    return News(
        id=read_text(item, "id"),
        title=read_text(item, "title"),
        url=read_text(item, "url"),
        source=read_text(item, "source"),
        category=read_text(item, "category"),
        summary=read_optional_text(item, "summary"),
        published_at=read_time(item, "published_at"),
        created_at=read_time(item, "created_at"),
        updated_at=read_time(item, "updated_at"),
        version=read_version(item),
    )


def _just_before(place: str) -> str:
    """The text that only this position and later ones are greater than, given that all have one form."""
    return place[:-1] + chr(ord(place[-1]) - 1)
