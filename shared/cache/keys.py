"""The keys of the cache in Redis.

Every key starts with a hash tag, so the keys of one lookup are in one slot of a Redis Cluster. The tag names
the project, stage, module and table, so services that share a Redis do not share keys.

With TAG for {news:prod:news:news-prod}:

    TAG:generation                          changes to a new random value with every write
    TAG:show:<digest>                       entry: a response, and the generation it was loaded in
    TAG:show:<digest>:<generation>:<time>   lock: held by the request that replaces the entry of that time
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


def hash_tag(settings: Settings, name: str) -> str:
    """Return the hash tag that a module's keys start with."""
    return f"{{{NAMESPACE}:{settings.stage}:{name}:{settings.tables.get(name, '')}}}"


def generation_key(tag: str) -> str:
    """Return the key of a module's generation."""
    return f"{tag}:generation"


@lru_cache(maxsize=1024)
def response_key(tag: str, name: str, view: str, root: str, depends_on: object) -> CacheKey:
    """Return the keys of a response.

    Args:
        tag: the hash tag of `name`.
        name: the name that invalidates the response.
        view: the name of the view function.
        root: the path prefix (SCRIPT_NAME), which is part of the links in a response.
        depends_on: everything else that the response depends on.
    """
    digest = hashlib.sha256(msgspec.json.encode((root, depends_on))).hexdigest()[:32]
    return CacheKey(name, generation_key(tag), f"{tag}:{view}:{digest}")
