"""The keys of the cache in Redis.

They carry a hash tag, so that all keys of one read are on one node of a cluster. It names project, stage,
module and table: services that share a Redis share nothing else.

With TAG for {news:prod:news:news-prod}:

    TAG:generation                          changes to a new random value with every write
    TAG:show:<digest>                       entry: a response, and the generation under which it was loaded
    TAG:show:<digest>:<generation>:<time>   lock: a request reloads the entry loaded at that time
"""

import hashlib
from functools import lru_cache
from typing import NamedTuple

import msgspec

from shared.config import Settings
from shared.observability.metrics import NAMESPACE


class CacheKey(NamedTuple):
    """The key of a response.

    Attributes:
        name: what invalidates it.
        generation: key of the generation.
        entry: key of the entry.
    """

    name: str
    generation: str
    entry: str


def hash_tag(settings: Settings, name: str) -> str:
    """Return how the keys of a module begin; Redis Cluster hashes what is in the braces."""
    return f"{{{NAMESPACE}:{settings.stage}:{name}:{settings.tables.get(name, '')}}}"


def generation_key(tag: str) -> str:
    """Return the key of a module's generation."""
    return f"{tag}:generation"


@lru_cache(maxsize=1024)
def response_key(tag: str, name: str, view: str, root: str, depends_on: object) -> CacheKey:
    """Return the key of a response.

    Args:
        tag: the hash tag of `name`.
        name: what invalidates the response.
        view: name of the view.
        root: path prefix; behind another one the links in a response are others.
        depends_on: what else the response depends on.
    """
    digest = hashlib.sha256(msgspec.json.encode((root, depends_on))).hexdigest()[:32]
    return CacheKey(name, generation_key(tag), f"{tag}:{view}:{digest}")
