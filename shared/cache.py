"""The response cache, for controllers: which answers are cached, what their key is made of, what ends them.

    @routes.get("/<news_id>")
    @cached("news", key=lambda news_id: news_id)
    def show(news_id): ...

    @routes.put("/<news_id>")
    @invalidates("news")
    def replace(news_id): ...

It fails open: whatever is wrong with Redis, the view is asked and its response sent.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, wraps
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from shared.auth import is_anonymous
from shared.cache_entry import Entry
from shared.cache_hit import response_from_entry
from shared.cache_store import CacheKey, CacheStore, CacheUnavailable, Lookup
from shared.cache_turn import acquire_or_wait
from shared.conditional import revalidated
from shared.config import Settings
from shared.errors import DomainError, Unavailable
from shared.observed import observed
from shared.redis_client import connect

log = logging.getLogger(__name__)

View = Callable[..., ResponseReturnValue]
Load = Callable[[], Response]

CACHE_CONTROL = "no-cache"
"""A browser or CDN may keep an answer, but asks each time whether it still holds (RFC 9111, section 5.2.2.4).
What a write makes void here it can't make void there; to ask costs no database, just a 304 from Redis."""


def init_cache(app: Flask, settings: Settings) -> None:
    """Give the app the cache that its settings name, or none; nothing is connected yet."""
    app.extensions["cache"] = CacheStore(connect(settings), settings.stage) if settings.redis_url else None


def cached(name: str, key: Callable[..., object]) -> Callable[[View], View]:
    """Answer a view from the cache: its 200s, to anonymous requests.

    Args:
        name: what invalidates the answers, e.g. the module's name.
        key: takes the arguments of the view and returns what the response depends on, valid and
            normalized: anything hashable that msgspec can encode, or None to leave the response uncached.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def cached_view(**named: Any) -> Response:
            def load() -> Response:
                return current_app.make_response(view(**named))

            store: CacheStore | None = current_app.extensions["cache"]
            depends_on = key(**named) if store and is_anonymous(request.environ) else None
            if store is None or depends_on is None:
                return _finished(load(), "BYPASS")
            cache_key = _make_key(name, view.__name__, store.stage, request.root_path, depends_on)
            return _respond(store, cache_key, load)

        return cached_view

    return decorate


def invalidates(name: str) -> Callable[[View], View]:
    """Make the answers cached under that name void when the view has written, before its answer is sent.

    Also when it failed, since the write may have landed; not when it refused the request, which anybody could
    have it do all day.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def invalidating_view(**named: Any) -> ResponseReturnValue:
            may_have_written = True
            try:
                return view(**named)
            except (DomainError, HTTPException) as error:
                may_have_written = _status(error) >= HTTPStatus.INTERNAL_SERVER_ERROR
                raise
            finally:
                store: CacheStore | None = current_app.extensions["cache"]
                if store and may_have_written:
                    store.invalidate(name)

        return invalidating_view

    return decorate


def _status(error: DomainError | HTTPException) -> int:
    status = error.code if isinstance(error, HTTPException) else error.status
    return status or HTTPStatus.INTERNAL_SERVER_ERROR


@lru_cache(maxsize=1024)
def _make_key(name: str, view: str, stage: str, root: str, depends_on: object) -> CacheKey:
    """The key of an answer.

    Stages may share a Redis, and behind another path prefix, `root`, the links in a response are others.
    """
    text = msgspec.json.encode((stage, root, depends_on))
    return CacheKey(name, f"{{{name}}}:{view}:{hashlib.sha256(text).hexdigest()[:32]}")


def _respond(store: CacheStore, key: CacheKey, load: Load) -> Response:
    try:
        lookup, is_loader = acquire_or_wait(store, key)
    except CacheUnavailable:
        return _finished(load(), "BYPASS")
    now = store.now()
    if lookup.entry and not is_loader and lookup.entry.is_fresh(now):
        return response_from_entry(lookup.entry, now)
    return _loaded(store, key, lookup, load)


def _loaded(store: CacheStore, key: CacheKey, lookup: Lookup, load: Load) -> Response:
    """The view's answer, stored under the generation read before; without a database, an old answer."""
    loaded_at = store.now()
    try:
        response = load()
    except Exception as error:
        _unlock(store, lookup)
        stale = _stale(store, key) if isinstance(error, Unavailable) else None
        if stale is None:
            raise
        observed().meet("stale_served")
        log.warning("cache: %s answered from an old entry: %s", request.url_rule, error)
        return response_from_entry(stale, store.now())
    if response.status_code != HTTPStatus.OK or "Set-Cookie" in response.headers or not lookup.generation:
        _unlock(store, lookup)
        return _finished(response, "BYPASS")
    _describe(response)
    body = response.get_data()
    headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
    headers.append(("Content-Length", str(len(body))))
    with suppress(CacheUnavailable):
        store.set(key, lookup, Entry.loaded(lookup.generation, loaded_at, headers, body))
    return _finished(response, "MISS")


def _unlock(store: CacheStore, lookup: Lookup) -> None:
    with suppress(CacheUnavailable):
        store.unlock(lookup)


def _stale(store: CacheStore, key: CacheKey) -> Entry | None:
    """An entry that no write has made void yet, not even while the database was asked."""
    with suppress(CacheUnavailable):
        entry = store.get(key).entry
        if entry and entry.is_usable_if_error(store.now()):
            return entry
    return None


def _finished(response: Response, how: str) -> Response:
    """The answer of a view, as it leaves: with what says where it came from."""
    if response.status_code != HTTPStatus.OK:
        return response
    _describe(response)
    response.headers["X-Cache"] = how
    return revalidated(response)


def _describe(response: Response) -> None:
    """Add what says how long to keep the answer, and how to ask for it again."""
    response.add_etag()  # a hash of the body, where the view set none
    is_personal = "Set-Cookie" in response.headers  # to a request with a token, shared.headers says no-store
    response.headers["Cache-Control"] = f"private, {CACHE_CONTROL}" if is_personal else CACHE_CONTROL
