"""News without a database."""

from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from news.model import News, sort_key
from shared.errors import Conflict, Stale

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeDao:
    """NewsDao on a dictionary."""

    def __init__(self):
        self.items = {}

    def find(self, news_id):
        return self.items.get(news_id)

    def find_many(self, ids):
        return [self.items[each] for each in ids if each in self.items]

    def page(self, wanted, after, limit):
        found = sorted(filter(matching(wanted, after), self.items.values()), key=sort_key, reverse=True)
        last = sort_key(found[limit - 1]) if len(found) > limit else None
        return found[:limit], last

    def add(self, news):
        if news.id in self.items:
            raise Conflict(news.id)
        self.items[news.id] = news

    def add_many(self, items):
        self.items |= {news.id: news for news in items}

    def replace(self, news):
        found = self.items.get(news.id)
        if found is None or (found.version, found.created_at) != (news.version - 1, news.created_at):
            raise Stale(news.id)
        self.items[news.id] = news

    def delete(self, news_id, stored):
        found = self.items.get(news_id)
        if found is None or (stored and found.revision != stored.revision):
            raise Stale(news_id)
        del self.items[news_id]

    def ping(self):
        pass


class DaoThatThinksItsWriteWasLost(FakeDao):
    """The write lands, the answer doesn't arrive, and the client's own second try loses to the first."""

    def add(self, news):
        super().add(news)
        super().add(news)

    def replace(self, news):
        super().replace(news)
        super().replace(news)

    def delete(self, news_id, stored):
        super().delete(news_id, stored)
        super().delete(news_id, stored)


def matching(wanted, after):
    def matches(news):
        return (
            wanted.category in {None, news.category}
            and wanted.source in {None, news.source}
            and (wanted.since is None or news.published_at >= wanted.since)
            and (wanted.until is None or news.published_at < wanted.until)
            and (after is None or sort_key(news) < after)
        )

    return matches


def clock():
    """A clock that goes on by a second with each look at it."""
    ticks = count()
    return lambda: START + timedelta(seconds=next(ticks))


def sent(number=1, **changes):
    """What is sent to create an item."""
    item = {
        "title": f"Title {number}",
        "url": f"https://example.com/{number}",
        "source": "example.com",
        "category": "science",
    }
    return item | changes


def stored(number=1, **changes):
    """An item as a dao has it."""
    moment = START + timedelta(minutes=number)
    fields = {
        "id": f"00000000-0000-5000-8000-{number:012x}",
        "summary": None,
        "published_at": moment,
        "created_at": moment,
        "updated_at": moment,
        "version": 1,
    }
    return News(**fields | sent(number) | changes)


def etag(item):
    """The ETag of an item that a response has in its body."""
    return f'"{msgspec.convert(item, News).revision}"'
