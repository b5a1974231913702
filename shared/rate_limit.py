"""A limit of requests per minute for each client, with its counters in the Redis of the cache.

A request increments the counter of its client and of the current minute, in one round trip. If Redis fails in
any way, the request is served and its response has no `RateLimit` header.

The package limits is no alternative: it sends Lua scripts through a redis-py client of its own, which would
have neither the deadlines nor the circuit breaker of the cache.
"""

from functools import lru_cache, partial
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Any

from flask import Flask, Response, after_this_request, current_app, request
from redis.exceptions import InvalidResponse
from werkzeug.exceptions import TooManyRequests

from shared.cache.redis_pool import Command
from shared.cache.redis_replies import parse_integer, parse_set_nx
from shared.cache.store import CacheStore, CacheUnavailable
from shared.config import Settings
from shared.observability.context import request_context
from shared.observability.metrics import NAMESPACE

WINDOW_SECONDS = 60
EXPIRE_SECONDS = 2 * WINDOW_SECONDS
"""Lifetime of a counter. No process counts in a window that ended a minute ago, so INCR never recreates a
counter, which would then not expire."""

UNLIMITED_ENDPOINTS = {"health.health"}
"""Load balancers and orchestrators restart a process that fails its health check."""

IPV6_PREFIX_BITS = 64
"""A customer of a provider has at least this network, and can send from each of its addresses (RFC 6177)."""


def init_rate_limit(app: Flask, settings: Settings) -> None:
    """Limit the requests of each client. Call it before other functions that may reject a request."""
    key_prefix = f"{NAMESPACE}:{settings.stage}:rate_limit"
    app.before_request(partial(enforce_rate_limit, settings.rate_limit, key_prefix))


def enforce_rate_limit(limit: int, key_prefix: str) -> None:
    """Count the current request, and add its `RateLimit` headers.

    Args:
        limit: the requests that a client may send in a window.
        key_prefix: the start of the hash tag of each counter.

    Raises:
        TooManyRequests: the client has exceeded the limit.
    """
    client = client_of(request.environ.get("REMOTE_ADDR", ""))
    if not client or request.method == "OPTIONS" or request.endpoint in UNLIMITED_ENDPOINTS:
        return
    store: CacheStore = current_app.extensions["cache"]
    window, elapsed = divmod(store.now(), WINDOW_SECONDS)
    reset = ceil(WINDOW_SECONDS - elapsed)
    try:
        count = _increment(store, f"{{{key_prefix}:{client}}}:{window:.0f}")
    except CacheUnavailable:
        return
    after_this_request(partial(_add_headers, limit, max(0, limit - count), reset))
    if count > limit:
        request_context().increment("rate_limited")
        raise TooManyRequests(f"The limit is {limit} requests per minute.", retry_after=reset)


@lru_cache(maxsize=1024)
def client_of(address: str) -> str:
    """Return the IPv4 address or the IPv6 network that is one client; empty without a valid address."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket
        return ""
    if parsed.is_unspecified:  # an event without an address: see shared.lambda_adapter.caller
        return ""
    if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped:
        return str(IPv6Network((int(parsed), IPV6_PREFIX_BITS), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _increment(store: CacheStore, key: str) -> int:
    """Increment a counter and return its value. After a lost connection, a request can count twice."""

    def parse(replies: list[Any]) -> int:
        parse_set_nx(replies[0])
        count = parse_integer(replies[1])
        if count < 1:
            raise InvalidResponse(f"unexpected count: {count}")
        return count

    def commands() -> list[Command]:
        return [("SET", key, 0, "NX", "EX", EXPIRE_SECONDS), ("INCR", key)]

    return store.run(parse, commands)


def _add_headers(limit: int, remaining: int, reset: int, response: Response) -> Response:
    """Add the headers of draft-ietf-httpapi-ratelimit-headers-11."""
    response.headers["RateLimit-Policy"] = f'"default";q={limit};w={WINDOW_SECONDS}'
    response.headers["RateLimit"] = f'"default";r={remaining};t={reset}'
    return response
