"""Import formats: each reader converts a parsed line of a file to an item of the service.

To support another format, write a function and add it to READERS.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Reader = Callable[[Mapping[str, Any]], object]


def read_news(line: Mapping[str, Any]) -> object:
    """Return a line in the format of `POST /news/` unchanged."""
    return line


def read_headlines(line: Mapping[str, Any]) -> object:
    """Return a headline with `title`, `domain`, `category`, `link`, and `timestamp` in Unix seconds.

    Control characters in a title, which come from a wrong encoding, are removed.
    """
    return {
        "title": re.sub(r"[\x00-\x1f\x7f-\x9f]", "", line["title"]),
        "url": line["link"],
        "source": line["domain"],
        "category": line["category"],
        "published_at": datetime.fromtimestamp(line["timestamp"], UTC),
    }


READERS: dict[str, Reader] = {"news": read_news, "headlines": read_headlines}
