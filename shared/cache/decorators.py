"""Decorators for views: `@cached` caches responses, `@invalidates` invalidates them after a write.

    @routes.get("/<news_id>")
    @cached("news", key=lambda news_id: news_id, public=True)
    def show(news_id): ...

    @routes.put("/<news_id>")
    @invalidates("news")
    def replace(news_id): ...

The cache fails open: if Redis fails in any way, the view is called and its response is sent.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from shared.auth.scopes import has_credentials
from shared.cache.entry import Entry, Lookup, are_storable
from shared.cache.keys import CacheKey, response_key
from shared.cache.redis_client import connect
from shared.cache.response import CACHE_CONTROL, VARY, response_from_entry, sends_gzip, set_gzip
from shared.cache.single_flight import acquire_or_wait
from shared.cache.store import CacheStore, CacheUnavailable
from shared.config import Settings
from shared.errors import DomainError, Unavailable
from shared.observability.context import request_context
from shared.web.problems import status_code
from shared.web.responses import make_conditional

log = logging.getLogger(__name__)

View = Callable[..., ResponseReturnValue]
Load = Callable[[], Response]

PER_RESPONSE_HEADERS = {"Cache-Control", "Content-Length"}
"""Headers that are set for each response and never stored."""


def init_cache(app: Flask, settings: Settings) -> None:
    """Set `app.extensions["cache"]`: a store, or None without REDIS_URL. Connects on first use."""
    app.extensions["cache"] = CacheStore(connect(settings), settings) if settings.redis_url else None


def cached(name: str, key: Callable[..., object], *, public: bool = False) -> Callable[[View], View]:
    """Cache the view's responses with status 200 and no headers other than STORABLE_HEADERS.

    Args:
        name: the name that `@invalidates` uses, for example the module's name.
        key: takes the view's arguments and returns everything that the response depends on, validated and
            normalized. The value must be hashable and encodable by msgspec. None bypasses the cache.
        public: the response is the same for every caller, so authenticated requests use the cache too.
            Otherwise they bypass it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def cached_view(**arguments: Any) -> Response:
            def load() -> Response:
                return current_app.make_response(view(**arguments))

            store: CacheStore | None = current_app.extensions["cache"]
            is_shared = public or not has_credentials(request.environ)
            depends_on = key(**arguments) if store and is_shared else None
            if store is None or depends_on is None:
                return _finalize(load(), "BYPASS")
            tags = store.hash_tags(name)
            return _respond(
                store, response_key(tags, name, view.__name__, request.root_path, depends_on), load
            )

        cached_view.is_public = public  # type: ignore[attr-defined]  # for shared.web.headers
        return cached_view

    return decorate


def invalidates(name: str) -> Callable[[View], View]:
    """Invalidate the responses cached under `name` after the view returns and before its response is sent.

    A 5xx error invalidates them too, because the write may have been stored. A 4xx error does not: otherwise
    any client could empty the cache with invalid requests.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def invalidating_view(**arguments: Any) -> ResponseReturnValue:
            may_have_written = True
            try:
                return view(**arguments)
            except (DomainError, HTTPException) as error:
                may_have_written = _status_code(error) >= HTTPStatus.INTERNAL_SERVER_ERROR
                raise
            finally:
                store: CacheStore | None = current_app.extensions["cache"]
                if store and may_have_written:
                    store.invalidate(name)

        return invalidating_view

    return decorate


def _status_code(error: DomainError | HTTPException) -> int:
    code = error.code if isinstance(error, HTTPException) else status_code(error)
    return code or HTTPStatus.INTERNAL_SERVER_ERROR


def _respond(store: CacheStore, key: CacheKey, load: Load) -> Response:
    try:
        lookup, is_loader = acquire_or_wait(store, key)
    except CacheUnavailable:
        return _finalize(load(), "BYPASS")
    now = store.now()
    if lookup.entry and not is_loader and lookup.entry.is_fresh(now):
        with suppress(ValueError):  # the body is not valid gzip, so somebody else wrote it
            return response_from_entry(lookup.entry, now)
        return _finalize(load(), "BYPASS")
    return _load_and_store(store, key, lookup, load)


def _load_and_store(store: CacheStore, key: CacheKey, lookup: Lookup, load: Load) -> Response:
    """Return the view's response and store it. If the database is unavailable, return a stale entry."""
    loaded_at = store.now()
    try:
        response = load()
    except Exception as error:
        _unlock(store, lookup)
        stale = _stale_response(store, key) if isinstance(error, Unavailable) else None
        if stale is None:
            raise
        request_context().increment("cache_stale_served")
        log.warning("cache: served a stale response for %s: %s", request.url_rule, error)
        return stale
    if response.status_code == HTTPStatus.OK:
        _add_cache_headers(response)
    headers = tuple((name, value) for name, value in response.headers if name not in PER_RESPONSE_HEADERS)
    if response.status_code != HTTPStatus.OK or not lookup.generation or not are_storable(headers):
        _unlock(store, lookup)
        return _finalize(response, "BYPASS")
    entry = Entry.loaded(key.entry, lookup.generation, loaded_at, headers, response.get_data())
    with suppress(CacheUnavailable):
        store.set(key, lookup, entry)
    response = _finalize(response, "MISS")
    if sends_gzip(entry):
        if response.status_code == HTTPStatus.OK:
            response.set_data(entry.body)
        set_gzip(response)
    return response


def _unlock(store: CacheStore, lookup: Lookup) -> None:
    with suppress(CacheUnavailable):
        store.unlock(lookup)


def _stale_response(store: CacheStore, key: CacheKey) -> Response | None:
    """Return the stored entry as a response if it is usable for stale-if-error (RFC 5861), or None.

    It reads the entry again: a write may have invalidated it during the failed database call.
    """
    with suppress(CacheUnavailable, ValueError):
        entry = store.get(key).entry
        if entry and entry.is_usable_if_error(store.now()):
            return response_from_entry(entry, store.now())
    return None


def _finalize(response: Response, x_cache: str) -> Response:
    """Add `X-Cache` and the caching headers, and make the response conditional. Errors pass unchanged."""
    if response.status_code != HTTPStatus.OK:
        return response
    _add_cache_headers(response)
    response.headers.add(*VARY)
    response.headers["X-Cache"] = x_cache
    return make_conditional(response)


def _add_cache_headers(response: Response) -> None:
    """Add the `ETag` and `Cache-Control` headers."""
    response.add_etag()  # a hash of the body, unless the view set an ETag
    is_personal = "Set-Cookie" in response.headers
    response.headers["Cache-Control"] = f"private, {CACHE_CONTROL}" if is_personal else CACHE_CONTROL
