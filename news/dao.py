"""News in DynamoDB: single items by id, and pages of the three indexes."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple
from zlib import crc32

from msgspec.structs import asdict
from pynamodb.indexes import GlobalSecondaryIndex

from news.model import SORT_KEY_PATTERN, News, NewsFilter, sort_key
from news.table import NewsRecord, feed_key
from shared.clock import timestamp
from shared.config import Settings
from shared.dynamodb.batches import get_items, put_items
from shared.dynamodb.conditional_writes import add_record, delete_record, replace_record
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

MIN_SORT_KEY, MAX_SORT_KEY = "0", ":"
"""Strings that sort before and after every sort key: sort keys begin with a digit."""


class Page(NamedTuple):
    """Items of a list, and the sort key of the last one if more items follow, else None."""

    items: list[News]
    last_key: str | None


class NewsDao:
    """Access to the table of one stage.

    Every method raises `Unavailable` if DynamoDB throttles, fails, is unreachable or has no such table.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._table_name = settings.table("news")
        self._table = bind(NewsRecord, self._table_name, settings)
        self._reader = ItemReader(self._table_name, _to_news)
        self._shards = settings.feed_shards
        self._sleep = sleep

    def find(self, news_id: str) -> News | None:
        """Return an item, or None, with a strongly consistent read.

        Raises:
            UnreadableItem: an attribute is missing or malformed.
        """
        with self._errors():
            item = get_item(self._table, news_id)
        return None if item is None else self._reader.read(item)

    def find_many(self, ids: Iterable[str]) -> list[News]:
        """Return the items that exist, at most 100, in any order, with a strongly consistent read.

        Raises:
            Unavailable: DynamoDB left some keys unprocessed after all retries.
            UnreadableItem: an attribute of an item is missing or malformed.
        """
        with self._errors():
            items = get_items(self._table, list(ids), self._sleep)
        return [self._reader.read(item) for item in items]

    def page(self, filters: NewsFilter, start_after: str | None, limit: int) -> Page:
        """Return up to `limit` items that follow a sort key, newest first.

        A page that is not the last may be shorter than `limit`. Unreadable items are left out.
        """

        def matches(item: RawItem) -> bool:
            return filters.category is None or item.get("category") == {"S": filters.category}

        with self._errors():
            page = self._reader.take_page(
                self._items(filters, start_after, limit), limit, SORT_KEY_PATTERN, matches
            )
        return Page(*page)

    def add(self, news: News) -> None:
        """Store a new item.

        Raises:
            Conflict: an item with this id exists.
        """
        add_record(self._record(news))

    def add_many(self, items: Sequence[News]) -> None:
        """Store at most 25 items, and overwrite existing ones: BatchWriteItem has no conditions.

        Raises:
            Unavailable: DynamoDB left some items unprocessed after all retries.
        """
        with self._errors():
            put_items([self._record(news) for news in items], self._sleep)

    def replace(self, news: News) -> None:
        """Store the next version of an item.

        Raises:
            Stale: the stored item has another version, or was deleted and created again.
        """
        replace_record(self._record(news))

    def delete(self, news_id: str, stored: News | None) -> None:
        """Delete an item.

        Args:
            news_id: its id.
            stored: the state that the item must have; None matches every state.

        Raises:
            Stale: the item does not exist, or has another state.
        """
        delete_record(self._table, news_id, stored)

    def ping(self) -> None:
        """Read from the table, for the health check."""
        self.find("health")

    def _errors(self) -> AbstractContextManager[None]:
        return database_errors(self._table_name)

    def _record(self, news: News) -> NewsRecord:
        shard = crc32(news.id.encode()) % self._shards
        return self._table(feed=feed_key(shard), sort=sort_key(news), **asdict(news))

    def _items(self, filters: NewsFilter, start_after: str | None, limit: int) -> Iterator[RawItem]:
        """Return the items of the source, else of the category, else all, newest first."""
        low = timestamp(filters.since) if filters.since else MIN_SORT_KEY
        high = timestamp(filters.until) if filters.until else MAX_SORT_KEY
        if start_after:
            high = min(high, _predecessor(start_after))
        if low > high:
            return iter(())
        table, partitions = self._table, self._partitions(filters)
        examined = MAX_EXAMINED if filters.source and filters.category else limit
        page_size = first_page_size(examined + 1, len(partitions))
        queries = (
            index.query(key, table.sort.between(low, high), scan_index_forward=False, page_size=page_size)
            for index, key in partitions
        )
        return heapq.merge(*map(query_items, queries), key=read_sort_key, reverse=True)

    def _partitions(self, filters: NewsFilter) -> list[tuple[GlobalSecondaryIndex[NewsRecord], str]]:
        table = self._table
        if filters.source:
            return [(table.by_source, filters.source)]
        if filters.category:
            return [(table.by_category, filters.category)]
        return [(table.by_feed, feed_key(shard)) for shard in range(self._shards)]


def _to_news(item: RawItem) -> News:
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


def _predecessor(key: str) -> str:
    """Return an upper bound for the sort keys that sort before this one."""
    return key[:-1] + chr(ord(key[-1]) - 1)
