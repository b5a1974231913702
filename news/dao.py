"""News in DynamoDB: single items by id, and pages of the three lists."""

import heapq
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from zlib import crc32

from msgspec.structs import asdict
from pynamodb.exceptions import PutError
from pynamodb.indexes import GlobalSecondaryIndex

from news.model import News, NewsFilter, position
from news.table import NewsRow, feed_key
from shared.clock import timestamp
from shared.config import Settings
from shared.dynamodb import RawRow, bind, database_errors, raw_rows
from shared.errors import Conflict, DomainError, Stale, Unavailable

MAX_EXAMINED = 1000
"""Rows that one page may read to find items that match both a category and a source."""

BATCH_TRIES = 8
BATCH_PAUSE_SECONDS = 0.05
"""The longest pause before the second try of a batch; it doubles with each further try."""

FIRST, LAST = "0", ":"
"""Texts before and behind every position: positions begin with a digit."""


class Page(NamedTuple):
    """Items of a list, and the position to go on from, or None at the end."""

    items: list[News]
    last: str | None


class NewsDao:
    """Access to the table of one stage.

    Every method raises `Unavailable` where DynamoDB throttles, can't be reached or has no such table.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._table_name = settings.table("news")
        self._table = bind(NewsRow, self._table_name, settings)
        self._shards = settings.feed_shards
        self._sleep = sleep

    def find(self, news_id: str) -> News | None:
        """The item as of the last write."""
        with self._errors():
            try:
                return _news(self._table.get(news_id, consistent_read=True).to_dynamodb_dict())
            except self._table.DoesNotExist:
                return None

    def find_many(self, ids: Iterable[str]) -> list[News]:
        """Those of the items that exist, as of the last write, in any order."""
        with self._errors():
            rows = self._table.batch_get(ids, consistent_read=True)
            return [_news(row.to_dynamodb_dict()) for row in rows]

    def page(self, wanted: NewsFilter, after: str | None, limit: int) -> Page:
        """Up to `limit` items behind a position, newest first; a page may be short and yet not the last."""
        items: list[News] = []
        examined, last = 0, after
        with self._errors():
            for row in islice(self._rows(wanted, after, limit), MAX_EXAMINED):
                if len(items) == limit:
                    return Page(items, last)
                examined, last = examined + 1, row["sort"]["S"]
                if wanted.category in {None, row["category"]["S"]}:
                    items.append(_news(row))
        return Page(items, last if examined == MAX_EXAMINED else None)

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
        left = [self._row(news, stored_version=news.version) for news in items]
        for attempt in range(BATCH_TRIES):
            if attempt:
                longest = BATCH_PAUSE_SECONDS * 2 ** (attempt - 1)
                self._sleep(random.uniform(0, longest))  # noqa: S311  # nosec B311  # jitter
            left = self._write(left)
            if not left:
                return
        raise Unavailable(f"The database is busy: {len(left)} of {len(items)} items were not stored.")

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

    def _row(self, news: News, stored_version: int | None) -> NewsRow:
        shard = crc32(news.id.encode()) % self._shards
        row = self._table(feed=feed_key(shard), sort=position(news), **asdict(news))
        if stored_version is None:
            del row.attribute_values["version"]
        else:
            row.version = stored_version  # PynamoDB checks it, and saves the next
        return row

    def _write(self, rows: Sequence[NewsRow]) -> list[NewsRow]:
        """Send a batch and return what was left unprocessed."""
        batch = self._table.batch_write(auto_commit=False)
        for row in rows:
            batch.save(row)
        with self._errors():
            try:
                batch.commit()
            except PutError:  # PynamoDB's own retries know no pause and count the first try
                if not batch.failed_operations:
                    raise
        left = {operation["PutRequest"]["Item"]["id"]["S"] for operation in batch.failed_operations}
        return [row for row in rows if row.id in left]

    def _rows(self, wanted: NewsFilter, after: str | None, limit: int) -> Iterator[RawRow]:
        """The rows of a list, newest first; rows of both a category and a source are yet to be picked."""
        low = timestamp(wanted.since) if wanted.since else FIRST
        high = timestamp(wanted.until) if wanted.until else LAST
        if after:
            high = min(high, _just_before(after))
        if low > high:
            return iter(())
        page_size = MAX_EXAMINED if wanted.source and wanted.category else limit + 1
        table = self._table
        lists = (
            index.query(key, table.sort.between(low, high), scan_index_forward=False, page_size=page_size)
            for index, key in self._partitions(wanted)
        )
        return heapq.merge(*map(raw_rows, lists), key=lambda row: row["sort"]["S"], reverse=True)

    def _partitions(self, wanted: NewsFilter) -> list[tuple[GlobalSecondaryIndex[NewsRow], str]]:
        table = self._table
        if wanted.source:
            return [(table.by_source, wanted.source)]
        if wanted.category:
            return [(table.by_category, wanted.category)]
        return [(table.by_feed, feed_key(shard)) for shard in range(self._shards)]


def _news(row: RawRow) -> News:
    return News(
        id=row["id"]["S"],
        title=row["title"]["S"],
        url=row["url"]["S"],
        source=row["source"]["S"],
        category=row["category"]["S"],
        summary=row.get("summary", {}).get("S"),
        published_at=datetime.fromisoformat(row["published_at"]["S"]),
        created_at=datetime.fromisoformat(row["created_at"]["S"]),
        updated_at=datetime.fromisoformat(row["updated_at"]["S"]),
        version=int(row["version"]["N"]),
    )


def _just_before(place: str) -> str:
    """The text that only this position and later ones are greater than, given that all have one form."""
    return place[:-1] + chr(ord(place[-1]) - 1)
