"""The keys of the cache in Redis.

Every key starts with a hash tag, so the keys of one lookup are in one slot of a Redis Cluster. The tag names
the project, stage, module and table, so services that share a Redis do not share keys.

With TAG for {news:prod:news:news-prod}:

    TAG:generation                          changes to a new random value with every write
    TAG:show:<digest>                       entry: a response, and the generation it was loaded in
    TAG:show:<digest>:<generation>:<time>   lock: held by the request that replaces the entry of that time

With CACHE_SHARDS=4, the tags are {news:prod:news:news-prod:0} to {news:prod:news:news-prod:3}. Each shard has
a generation, and the digest selects the shard of an entry, so a module uses up to four slots instead of one.
"""

import hashlib
from functools import lru_cache
from typing import NamedTuple

import msgspec

from shared.config import Settings
from shared.observability.metrics import NAMESPACE


class CacheKey(NamedTuple):
    """The Redis keys of one response.

    Attributes:
        name: the name that invalidates it.
        generation: the key of the generation.
        entry: the key of the entry.
    """

    name: str
    generation: str
    entry: str


def hash_tags(settings: Settings, name: str) -> tuple[str, ...]:
    """Return the hash tags that a module's keys start with, one for each shard."""
    tag = f"{NAMESPACE}:{settings.stage}:{name}:{settings.tables.get(name, '')}"
    if settings.cache_shards == 1:
        return (f"{{{tag}}}",)
    return tuple(f"{{{tag}:{shard}}}" for shard in range(settings.cache_shards))


def generation_key(tag: str) -> str:
    """Return the key of a shard's generation."""
    return f"{tag}:generation"


@lru_cache(maxsize=1024)
def response_key(tags: tuple[str, ...], name: str, view: str, root: str, depends_on: object) -> CacheKey:
    """Return the keys of a response.

    Args:
        tags: the hash tags of `name`.
        name: the name that invalidates the response.
        view: the name of the view function.
        root: the path prefix (SCRIPT_NAME), which is part of the links in a response.
        depends_on: everything else that the response depends on.
    """
    digest = hashlib.sha256(msgspec.json.encode((root, depends_on))).hexdigest()[:32]
    tag = tags[int(digest, 16) % len(tags)]
    return CacheKey(name, generation_key(tag), f"{tag}:{view}:{digest}")
