"""The response cache, for controllers: which answers are cached, what their key is made of, what ends them.

    @routes.get("/<news_id>")
    @cached("news", key=lambda news_id: news_id)
    def show(news_id): ...

    @routes.put("/<news_id>")
    @invalidates("news")
    def replace(news_id): ...

It fails open: whatever is wrong with Redis, the view is asked and its answer sent.
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
from shared.cache_hit import hit
from shared.cache_store import CacheDown, CacheStore, Found, Place
from shared.cache_turn import take_turn
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
        key: is given what the view is given, and returns what the answer depends on, checked and normalised:
            anything hashable that msgspec can encode, or None where this one is not to be cached.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(**named: Any) -> Response:
            def load() -> Response:
                return current_app.make_response(view(**named))

            store: CacheStore | None = current_app.extensions["cache"]
            depends_on = key(**named) if store and is_anonymous(request.environ) else None
            if store is None or depends_on is None:
                return _finished(load(), "BYPASS")
            place = _place(name, view.__name__, store.stage, request.root_path, depends_on)
            return _answer(store, place, load)

        return answer

    return decorate


def invalidates(name: str) -> Callable[[View], View]:
    """Make the answers cached under that name void when the view has written, before its answer is sent.

    Also when it failed, since the write may have landed; not when it refused the request, which anybody could
    have it do all day.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(**named: Any) -> ResponseReturnValue:
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

        return answer

    return decorate


def _status(error: DomainError | HTTPException) -> int:
    status = error.code if isinstance(error, HTTPException) else error.status
    return status or HTTPStatus.INTERNAL_SERVER_ERROR


@lru_cache(maxsize=1024)
def _place(name: str, view: str, stage: str, root: str, depends_on: object) -> Place:
    """The key of an answer.

    Stages may share a Redis, and behind another path prefix, `root`, the links in an answer are others.
    """
    text = msgspec.json.encode((stage, root, depends_on))
    return Place(name, f"{{{name}}}:{view}:{hashlib.sha256(text).hexdigest()[:32]}")


def _answer(store: CacheStore, place: Place, load: Load) -> Response:
    try:
        found, is_loader = take_turn(store, place)
    except CacheDown:
        return _finished(load(), "BYPASS")
    now = store.now()
    if found.entry and not is_loader and found.entry.is_fresh(now):
        return hit(found.entry, now)
    return _loaded(store, place, found, load)


def _loaded(store: CacheStore, place: Place, found: Found, load: Load) -> Response:
    """The view's answer, stored under the generation found before; without a database, an old answer."""
    began = store.now()
    try:
        answer = load()
    except Exception as error:
        _release(store, found)
        stale = _stale(store, place) if isinstance(error, Unavailable) else None
        if stale is None:
            raise
        observed().meet("stale_served")
        log.warning("cache: %s answered from an old entry: %s", request.url_rule, error)
        return hit(stale, store.now())
    if answer.status_code != HTTPStatus.OK or "Set-Cookie" in answer.headers or not found.generation:
        _release(store, found)
        return _finished(answer, "BYPASS")
    _describe(answer)
    body = answer.get_data()
    headers = [(name, value) for name, value in answer.headers if name != "Content-Length"]
    headers.append(("Content-Length", str(len(body))))
    with suppress(CacheDown):
        store.put(place, found, Entry.loaded(found.generation, began, headers, body))
    return _finished(answer, "MISS")


def _release(store: CacheStore, found: Found) -> None:
    with suppress(CacheDown):
        store.release(found)


def _stale(store: CacheStore, place: Place) -> Entry | None:
    """An entry that no write has made void yet, not even while the database was asked."""
    with suppress(CacheDown):
        entry = store.look(place).entry
        if entry and entry.is_kept(store.now()):
            return entry
    return None


def _finished(answer: Response, how: str) -> Response:
    """The answer of a view, as it leaves: with what says where it came from."""
    if answer.status_code != HTTPStatus.OK:
        return answer
    _describe(answer)
    answer.headers["X-Cache"] = how
    return revalidated(answer)


def _describe(answer: Response) -> None:
    """Add what says how long to keep the answer, and how to ask for it again."""
    answer.add_etag()  # a hash of the body, where the view set none
    is_personal = "Set-Cookie" in answer.headers  # to a request with a token, shared.headers says no-store
    answer.headers["Cache-Control"] = f"private, {CACHE_CONTROL}" if is_personal else CACHE_CONTROL
