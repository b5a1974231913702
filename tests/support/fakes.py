"""A fake DAO and sample data, for tests without a database."""

import time
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from news.model import News, sort_key
from shared.errors import Conflict, Stale, Unavailable

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeDao:
    """NewsDao with a dictionary as its table."""

    def __init__(self):
        self.items = {}

    def find(self, news_id):
        return self.items.get(news_id)

    def find_many(self, ids):
        return [self.items[news_id] for news_id in ids if news_id in self.items]

    def page(self, filters, start_after, limit):
        items = filter(matcher(filters, start_after), self.items.values())
        items = sorted(items, key=sort_key, reverse=True)
        last_key = sort_key(items[limit - 1]) if len(items) > limit else None
        return items[:limit], last_key

    def add(self, news):
        if news.id in self.items:
            raise Conflict(news.id)
        self.items[news.id] = news

    def add_many(self, items):
        self.items |= {news.id: news for news in items}

    def replace(self, news):
        current = self.items.get(news.id)
        if current is None or (current.version, current.created_at) != (news.version - 1, news.created_at):
            raise Stale(news.id)
        self.items[news.id] = news

    def delete(self, news_id, stored):
        current = self.items.get(news_id)
        if current is None or (stored and current.revision != stored.revision):
            raise Stale(news_id)
        del self.items[news_id]

    def ping(self):
        pass


class RetryingDao(FakeDao):
    """Writes everything twice, as an SDK does if it does not receive the first response."""

    def add(self, news):
        super().add(news)
        super().add(news)

    def replace(self, news):
        super().replace(news)
        super().replace(news)

    def delete(self, news_id, stored):
        super().delete(news_id, stored)
        super().delete(news_id, stored)


def matcher(filters, start_after):
    def matches(news):
        return (
            filters.category in {None, news.category}
            and filters.source in {None, news.source}
            and (filters.since is None or news.published_at >= filters.since)
            and (filters.until is None or news.published_at < filters.until)
            and (start_after is None or sort_key(news) < start_after)
        )

    return matches


def clock():
    """Return a clock that advances by one second per call."""
    ticks = count()
    return lambda: START + timedelta(seconds=next(ticks))


def sent(number=1, **changes):
    """Return a request body to create an item."""
    item = {
        "title": f"Title {number}",
        "url": f"https://example.com/{number}",
        "source": "example.com",
        "category": "science",
    }
    return item | changes


def stored(number=1, **changes):
    """Return an item as a DAO returns it."""
    time = START + timedelta(minutes=number)
    fields = {
        "id": f"00000000-0000-5000-8000-{number:012x}",
        "summary": None,
        "published_at": time,
        "created_at": time,
        "updated_at": time,
        "version": 1,
    }
    return News(**fields | sent(number) | changes)


def etag(item):
    """Return the ETag of an item in a response body."""
    return f'"{msgspec.convert(item, News).revision}"'


def seconds_until_unavailable(dao):
    started = time.monotonic()
    try:
        dao.find(stored(1).id)
    except Unavailable:
        return time.monotonic() - started
    raise AssertionError("the database is available")


def newest_first(items):
    return sorted(items, key=sort_key, reverse=True)


CONTROLS = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))]


def fields_of(error):
    return [field_error.field for field_error in error.value.errors]
