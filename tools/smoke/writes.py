"""Checks of writes. With a token, an item is created, changed and removed, also if a step fails."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tools.smoke.api import Api, CheckFailed, CheckSkipped, Module, expect, expect_that

NO_TOKEN = "no TOKEN"  # noqa: S105  # nosec B105  # a reason


def check_writes_need_a_token(api: Api, module: Module) -> None:
    """A write without a token gets 401 and changes nothing."""
    response = api.send("POST", module.collection, json=new_item(api, module))
    if response.status_code in {403, 404} and not api.token:
        raise CheckSkipped("writes are disabled: the deployment has no issuer of tokens")
    if response.ok:
        _remove(api, api.location(response))
    expect(response, 401)
    api.validate(response, module.collection)


def check_create_and_repeat(api: Api, module: Module) -> None:
    """A created item can be read, and the same request again creates no other item with this id."""
    body = new_item(api, module)
    with created(api, module, body) as (url, response):
        api.validate(response, module.collection)
        read = api.send("GET", url)
        expect(read, 200)
        expect_that(read.json() == response.json(), "the item is not the one that was created")
        again = api.send("POST", module.collection, with_token=True, json=body)
        if again.status_code == 201:  # noqa: PLR2004  # ids are random
            _remove(api, api.location(again))
        expect(again, 200, 201)
        if again.status_code == 200:  # noqa: PLR2004  # the id is derived from the body
            other = body | ({"title": "changed"} if "title" in body else {})
            expect(api.send("POST", module.collection, with_token=True, json=other), 409)


def check_replace_and_conflict(api: Api, module: Module) -> None:
    """A replacement needs the current ETag: 428 without, 412 with an old one."""
    if api.operation(module.item, "PUT") is None:
        raise CheckSkipped("items cannot be replaced")
    with created(api, module, new_item(api, module)) as (url, response):
        stored = response.json()
        schema = _body_schema(api, module.item, "PUT")
        body = {name: stored[name] for name in schema["properties"] if name in stored}
        match = {"If-Match": response.headers["ETag"]}
        expect(api.send("PUT", url, with_token=True, json=body), 428)
        replaced = api.send("PUT", url, with_token=True, json=body, headers=match)
        expect(replaced, 200)
        api.validate(replaced, module.item)
        expect(api.send("PUT", url, with_token=True, json=body, headers=match), 412)


def check_delete(api: Api, module: Module) -> None:
    """A deleted item is gone, in the list too."""
    with created(api, module, new_item(api, module)) as (url, response):
        expect(api.send("DELETE", url, with_token=True), 204)
        expect(api.send("GET", url), 404)
        listed = api.send("GET", module.collection).json().get("items", [])
        expect_that(response.json()["id"] not in [item["id"] for item in listed], "a deleted item is listed")


CHECKS = (check_create_and_repeat, check_replace_and_conflict, check_delete)
"""The checks that need a token."""


def new_item(api: Api, module: Module) -> dict[str, Any]:
    """Return the documented example of a new item, with a URL of its own.

    Raises:
        CheckSkipped: the module has no POST, or no example of its body.
    """
    operation = api.operation(module.collection, "POST")
    content = operation["requestBody"]["content"]["application/json"] if operation else {}
    if "example" not in content:
        raise CheckSkipped("the document has no example of a new item")
    unique = uuid.uuid4()
    return {
        name: f"https://smoke-test.example/{unique}" if name == "url" else value
        for name, value in content["example"].items()
    }


@contextmanager
def created(api: Api, module: Module, body: dict[str, Any]) -> Iterator[tuple[str, requests.Response]]:
    """Create an item; yield its URL and the response; remove it in the end.

    Raises:
        CheckFailed: it was not created, or cannot be removed.
    """
    if not api.token:
        raise CheckSkipped(NO_TOKEN)
    response = api.send("POST", module.collection, with_token=True, json=body)
    expect(response, 201)
    url = api.location(response)
    try:
        yield url, response
    finally:
        _remove(api, url)


def _remove(api: Api, url: str) -> None:
    response = api.send("DELETE", url, with_token=True)
    if response.status_code not in {204, 404}:
        raise CheckFailed(f"the item {url} could not be removed: status {response.status_code}")


def _body_schema(api: Api, path: str, method: str) -> dict[str, Any]:
    operation = api.operation(path, method) or {}
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = api.document["components"]["schemas"].get(name, schema)
    return found
