"""What a change of the contract breaks for those who use it, and whether its version permits that.

The released contract is docs/openapi-released.json; `make openapi RELEASED=yes` makes it of the current one.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from tools.openapi.schema_compatibility import Side, gaps

Contract = dict[str, Any]


def breaking(old: Contract, new: Contract) -> list[str]:
    """What somebody who relies on the old contract can no longer do with the new one, a line each."""
    found: list[str] = []
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                found.append(f"{name}: is gone")
                continue
            was, is_ = Side(operation, old), Side(now, new)
            lines = chain(_security(was, is_), _parameters(was, is_), _body(was, is_), _answers(was, is_))
            found += [f"{name} {line}" for line in lines]
    return found


def permitted(old: str, new: str) -> bool:
    """Whether a version may break what another one promised (https://semver.org, 4 and 8)."""
    was, now = (tuple(int(part) for part in version.split(".")) for version in (old, new))
    return now[:1] > was[:1] or (now[0] == 0 and now[:2] > was[:2])


def _security(old: Side, new: Side) -> Iterator[str]:
    was, now = old.schema.get("security", []), new.schema.get("security", [])
    if now and now != was:
        yield f"security: was {was or 'none'}, is {now}"


def _parameters(old: Side, new: Side) -> Iterator[str]:
    was, now = _named(old), _named(new)
    yield from (f"{place}: is gone" for place in was if place not in now)
    for place, parameter in now.items():
        had = was.get(place)
        if parameter.get("required") and not (had and had.get("required")):
            yield f"{place}: is required"
        if had:
            yield from _sent(old.at(had["schema"]), new.at(parameter["schema"]), place)
            defaults = [each["schema"].get("default") for each in (had, parameter)]
            if defaults[0] != defaults[1]:
                yield f"{place}: default was {defaults[0]}, is {defaults[1]}"


def _named(side: Side) -> dict[str, Contract]:
    return {f"{each['in']} {each['name']}": each for each in side.schema.get("parameters", ())}


def _body(old: Side, new: Side) -> Iterator[str]:
    was, now = old.schema.get("requestBody", {}), new.schema.get("requestBody", {})
    if now.get("required") and not was.get("required"):
        yield "body: is required"
    for kind, content in was.get("content", {}).items():
        if kind not in now.get("content", {}):
            yield f"body: {kind} is gone"
            continue
        yield from _sent(old.at(content["schema"]), new.at(now["content"][kind]["schema"]), "body")


def _answers(old: Side, new: Side) -> Iterator[str]:
    for status, was in old.schema["responses"].items():
        now = new.schema["responses"].get(status)
        if now is None:
            yield f"{status}: is gone"
        else:
            yield from _answer(old.at(was), new.at(now), status)


def _answer(old: Side, new: Side, status: str) -> Iterator[str]:
    headers, contents = (new.schema.get(part, {}) for part in ("headers", "content"))
    for name, header in old.schema.get("headers", {}).items():
        if header.get("required") and not headers.get(name, {}).get("required"):
            yield f"{status} {name}: may be left out"
    for kind, content in old.schema.get("content", {}).items():
        if kind not in contents:
            yield f"{status}: {kind} is gone"
        else:
            yield from _got(old.at(content["schema"]), new.at(contents[kind]["schema"]), status)


def _sent(old: Side, new: Side, place: str) -> Iterator[str]:
    for gap in gaps(old, new, place):
        yield f"{gap.place}: {gap.word} was {gap.wide}, is {gap.narrow}"


def _got(old: Side, new: Side, place: str) -> Iterator[str]:
    for gap in gaps(new, old, place):
        yield f"{gap.place}: {gap.word} was {gap.narrow}, is {gap.wide}"
