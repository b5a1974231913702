"""Checks of reads. Each takes the API and a module, and raises CheckFailed or CheckSkipped."""

import random
import time
from http import HTTPStatus

from tools.smoke.api import UNKNOWN_ID, Api, CheckSkipped, Module, expect, expect_that

ATTEMPTS, PAUSE_SECONDS = 5, 0.5
"""Requests until a response must come from the cache. After a change, it is cached for a second only."""

MIN_GZIP_BYTES = 1024


def check_health(api: Api) -> None:
    """The process is alive."""
    response = api.send("GET", "/health")
    expect(response, 200)
    api.validate(response, "/health")


def check_list(api: Api, module: Module) -> None:
    """The first page is as documented, and HEAD has no body."""
    response = api.send("GET", module.collection)
    expect(response, 200)
    api.validate(response, module.collection)
    head = api.send("HEAD", module.collection)
    expect(head, 200)
    expect_that(not head.content, f"HEAD {module.collection}: has a body")


def check_first_item(api: Api, module: Module) -> None:
    """The first item of the list can be read."""
    items = api.send("GET", module.collection).json().get("items", [])
    if not items:
        raise CheckSkipped("the list is empty")
    response = api.send("GET", _item_path(module, items[0]["id"]))
    expect(response, 200)
    api.validate(response, module.item)


def check_cache(api: Api, module: Module) -> None:
    """A new request is a MISS, and its repetition a HIT. Another client may have sent it before."""
    path = module.collection
    if api.has_parameter(path, "limit"):
        path += f"?limit={random.randint(2, 100)}"  # noqa: S311  # nosec B311  # not a secret
    for attempt in range(ATTEMPTS):
        found = api.send("GET", path).headers.get("X-Cache")
        if found == "BYPASS":
            raise CheckSkipped("the deployment has no cache, or it is unavailable")
        expect_that(found in {"MISS", "HIT"}, f"GET {path}: X-Cache is {found}")
        if found == "HIT":
            return
        time.sleep(PAUSE_SECONDS if attempt else 0)
    expect_that(condition=False, message=f"GET {path}: no HIT in {ATTEMPTS} requests")


def check_not_modified(api: Api, module: Module) -> None:
    """A client that has the response gets 304."""
    etag = api.send("GET", module.collection).headers.get("ETag", "")
    response = api.send("GET", module.collection, headers={"If-None-Match": etag})
    expect(response, 304)
    expect_that(not response.content, "a response with status 304 has a body")


def check_gzip(api: Api, module: Module) -> None:
    """A client that accepts gzip gets it, with an ETag of its own."""
    plain = api.send("GET", module.collection)
    packed = api.send("GET", module.collection, headers={"Accept-Encoding": "gzip"})
    if packed.headers.get("Content-Encoding") != "gzip":
        is_small = len(plain.content) < MIN_GZIP_BYTES
        reason = "the list is small" if is_small else "only cached responses are compressed"
        expect_that(is_small or packed.headers.get("X-Cache") == "BYPASS", "a cached response is not in gzip")
        raise CheckSkipped(reason)
    match = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    expect(api.send("GET", module.collection, headers=match), 304)
    expect_that("Accept-Encoding" in packed.headers.get("Vary", ""), "no Vary: Accept-Encoding")
    expect_that(packed.headers["ETag"] != plain.headers["ETag"], "gzip and identity have the same ETag")
    api.validate(packed, module.collection)


def check_problems(api: Api, module: Module) -> None:
    """An unknown parameter gets 400, and an unknown item 404, as problem documents."""
    unknown_parameter = api.send("GET", f"{module.collection}?no-such-parameter=1")
    expect(unknown_parameter, 400)
    api.validate(unknown_parameter, module.collection)
    expect_that(unknown_parameter.headers.get("Cache-Control") == "no-store", "errors may be stored")
    unknown_item = api.send("GET", _item_path(module, UNKNOWN_ID))
    expect(unknown_item, 404)
    api.validate(unknown_item, module.item)


def check_methods(api: Api, module: Module) -> None:
    """A method without an operation gets 405 of the service, or 404 of API Gateway."""
    if api.operation(module.collection, "PATCH"):
        raise CheckSkipped("PATCH is an operation")
    response = api.send("PATCH", module.collection)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        expect_that("GET" in response.headers.get("Allow", ""), "405 without GET in Allow")
    else:
        expect(response, 403, 404, 405)


def check_get(api: Api, path: str) -> None:
    """An operation that needs no parameters responds as documented."""
    response = api.send("GET", path)
    expect(response, 200)
    api.validate(response, path)


def check_cors(api: Api, module: Module) -> None:
    """A page of the origin may read."""
    if not api.origin:
        raise CheckSkipped("no ORIGIN")
    asked = {"Origin": api.origin, "Access-Control-Request-Method": "GET"}
    response = api.send("OPTIONS", module.collection, headers=asked)
    allowed = response.headers.get("Access-Control-Allow-Origin")
    expect_that(allowed in {api.origin, "*"}, f"{api.origin} is not an allowed origin")
    expect(response, 200, 204)
    expect_that(response.headers.get("Access-Control-Allow-Methods"), "no Access-Control-Allow-Methods")


CHECKS = (
    check_list,
    check_first_item,
    check_cache,
    check_not_modified,
    check_gzip,
    check_problems,
    check_methods,
    check_cors,
)
"""The checks of a module, in the order of the report."""


def _item_path(module: Module, item_id: str) -> str:
    return f"{module.item.partition('{')[0]}{item_id}"
