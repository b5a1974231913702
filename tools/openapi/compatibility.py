"""Breaking changes between two OpenAPI documents, and the versions that allow them.

`make openapi RELEASED=yes` copies the current document to the released one, docs/openapi-released.json.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from tools.openapi.schema_compatibility import Side, find_narrowings

Document = dict[str, Any]


def unversioned_breaking_changes(released: Path, current: Path) -> list[str]:
    """Return the breaking changes since a released document that the current version does not allow."""
    old, new = (json.loads(file.read_text()) for file in (released, current))
    versions = [document["info"]["version"] for document in (old, new)]
    return [] if allows_breaking_changes(*versions) else find_breaking_changes(old, new)


def find_breaking_changes(old: Document, new: Document) -> list[str]:
    """Return what clients of the old document can no longer rely on in the new one, one line each."""
    found: list[str] = []
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            current = new["paths"].get(path, {}).get(method)
            if current is None:
                found.append(f"{name}: removed")
                continue
            sides = Side(operation, old), Side(current, new)
            lines = chain(_security(*sides), _parameters(*sides), _body(*sides), _responses(*sides))
            found += [f"{name} {line}" for line in lines]
    return found


def allows_breaking_changes(old: str, new: str) -> bool:
    """Return whether a version may break clients of an older one (https://semver.org, 4 and 8)."""
    before, after = (tuple(int(part) for part in version.split(".")) for version in (old, new))
    return after[:1] > before[:1] or (after[0] == 0 and after[:2] > before[:2])


def _security(old: Side, new: Side) -> Iterator[str]:
    before, after = old.schema.get("security", []), new.schema.get("security", [])
    if after and after != before:
        yield f"security: was {before or 'none'}, is {after}"


def _parameters(old: Side, new: Side) -> Iterator[str]:
    before, after = _parameters_by_name(old), _parameters_by_name(new)
    yield from (f"{name}: removed" for name in before if name not in after)
    for name, parameter in after.items():
        earlier = before.get(name)
        if parameter.get("required") and not (earlier and earlier.get("required")):
            yield f"{name}: now required"
        if earlier:
            yield from _request_schema(old.at(earlier["schema"]), new.at(parameter["schema"]), name)
            defaults = [each["schema"].get("default") for each in (earlier, parameter)]
            if defaults[0] != defaults[1]:
                yield f"{name}: default was {defaults[0]}, is {defaults[1]}"


def _parameters_by_name(side: Side) -> dict[str, Document]:
    parameters = side.schema.get("parameters", ())
    return {f"{parameter['in']} {parameter['name']}": parameter for parameter in parameters}


def _body(old: Side, new: Side) -> Iterator[str]:
    before, after = old.schema.get("requestBody", {}), new.schema.get("requestBody", {})
    if after.get("required") and not before.get("required"):
        yield "body: now required"
    contents = after.get("content", {})
    for media_type, content in before.get("content", {}).items():
        if media_type in contents:
            yield from _request_schema(
                old.at(content["schema"]), new.at(contents[media_type]["schema"]), "body"
            )
        else:
            yield f"body: {media_type} removed"


def _responses(old: Side, new: Side) -> Iterator[str]:
    for status, response in old.schema["responses"].items():
        current = new.schema["responses"].get(status)
        if current is None:
            yield f"{status}: removed"
        else:
            yield from _response(old.at(response), new.at(current), status)


def _response(old: Side, new: Side, status: str) -> Iterator[str]:
    headers, contents = (new.schema.get(part, {}) for part in ("headers", "content"))
    for name, header in old.schema.get("headers", {}).items():
        if header.get("required") and not headers.get(name, {}).get("required"):
            yield f"{status} {name}: no longer required"
    for media_type, content in old.schema.get("content", {}).items():
        if media_type in contents:
            yield from _response_schema(
                old.at(content["schema"]), new.at(contents[media_type]["schema"]), status
            )
        else:
            yield f"{status}: {media_type} removed"


def _request_schema(old: Side, new: Side, place: str) -> Iterator[str]:
    """Yield where the new schema rejects a value that the old one accepts."""
    for found in find_narrowings(old, new, place):
        yield f"{found.place}: {found.keyword} was {found.wide}, is {found.narrow}"


def _response_schema(old: Side, new: Side, place: str) -> Iterator[str]:
    """Yield where the new schema permits a value that the old one excludes."""
    for found in find_narrowings(new, old, place):
        yield f"{found.place}: {found.keyword} was {found.narrow}, is {found.wide}"
