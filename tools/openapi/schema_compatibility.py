"""Comparison of two JSON schemas: where one accepts values that the other rejects.

A new request schema must accept what the old one accepts. A new response schema must accept nothing else than
the old one. A keyword that this file does not know counts as narrower wherever it differs.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]

ANNOTATIONS = {"$comment", "default", "deprecated", "description", "example", "examples", "title"}
"""Keywords that reject no value."""

STRUCTURE = {"$ref", "additionalProperties", "anyOf", "items", "oneOf", "properties", "required", "type"}
"""Keywords that have a function of their own below."""

UPPER_LIMITS = {"exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum"}
LOWER_LIMITS = {"exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum"}


class Side(NamedTuple):
    """A schema, and the document that its references point into."""

    schema: Schema
    document: Schema

    def at(self, schema: Schema) -> "Side":
        """Return another schema of the same document, with its reference resolved."""
        while "$ref" in schema:
            target: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        return Side(schema, self.document)


class Narrowing(NamedTuple):
    """A place where the narrow schema rejects more, the keyword that does so, and its value on each side."""

    place: str
    keyword: str
    wide: object
    narrow: object


Pairs = frozenset[tuple[int, int]]


def find_narrowings(
    wide: Side, narrow: Side, place: str, visited: Pairs = frozenset()
) -> Iterator[Narrowing]:
    """Yield every place where the wide schema accepts what the narrow one rejects.

    Args:
        wide: schema of the values that occur.
        narrow: schema that should accept them.
        place: where in the document that is, for the report.
        visited: pairs of schemas that contain these, so that a recursive schema is compared once.
    """
    pair = (id(wide.schema), id(narrow.schema))
    if pair in visited:
        return
    wides, narrows = _by_type(wide), _by_type(narrow)
    if missing := [name for name in wides if _matching_type(name, narrows) is None]:
        yield Narrowing(place, "type", "/".join(sorted(wides)), "/".join(sorted(narrows)))
    for name in sorted(wides.keys() - missing):
        one, other = wides[name], narrows[_matching_type(name, narrows) or name]
        yield from _compare_values(one.schema, other.schema, place)
        yield from _compare_items(one, other, place, visited | {pair})
        yield from _compare_properties(one, other, place, visited | {pair})


def _by_type(side: Side) -> dict[str, Side]:
    """Return the alternatives of a schema by their type; `any` where a schema has no type."""
    schema = side.at(side.schema).schema
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            sides = [_by_type(side.at(alternative)) for alternative in schema[keyword]]
            return {name: found for by_type in sides for name, found in by_type.items()}
    types = schema.get("type", "any")
    return dict.fromkeys([types] if isinstance(types, str) else types, side.at(schema))


def _matching_type(name: str, types: dict[str, Side]) -> str | None:
    """Return the type that accepts values of a type, if there is one."""
    wider = {"integer": ["number"]}.get(name, [])
    return next((each for each in (name, *wider, "any") if each in types), None)


def _compare_values(wide: Schema, narrow: Schema, place: str) -> Iterator[Narrowing]:
    """Compare the keywords that limit a value."""
    for keyword in sorted(narrow.keys() - ANNOTATIONS - STRUCTURE):
        before, after = wide.get(keyword), narrow[keyword]
        if keyword in UPPER_LIMITS | LOWER_LIMITS and before is not None:
            is_narrower = before > after if keyword in UPPER_LIMITS else before < after
        elif keyword == "enum" and before is not None:
            is_narrower = any(value not in after for value in before)
        else:  # absent before; or a pattern, a format or an unknown keyword
            is_narrower = before != after
        if is_narrower:
            yield Narrowing(place, keyword, before, after)


def _compare_items(wide: Side, narrow: Side, place: str, visited: Pairs) -> Iterator[Narrowing]:
    if "items" in narrow.schema:
        one, other = (side.at(side.schema.get("items", {})) for side in (wide, narrow))
        yield from find_narrowings(one, other, f"{place}[]", visited)


def _compare_properties(wide: Side, narrow: Side, place: str, visited: Pairs) -> Iterator[Narrowing]:
    for name in sorted(set(narrow.schema.get("required", ())) - set(wide.schema.get("required", ()))):
        yield Narrowing(f"{place}.{name}", "required", wide=False, narrow=True)
    wides, narrows = (side.schema.get("properties", {}) for side in (wide, narrow))
    wide_rest, narrow_rest = (side.schema.get("additionalProperties", True) for side in (wide, narrow))
    for name in wides:
        if name in narrows:
            yield from find_narrowings(
                wide.at(wides[name]), narrow.at(narrows[name]), f"{place}.{name}", visited
            )
        elif narrow_rest is False:
            yield Narrowing(f"{place}.{name}", "property", "present", "absent")
    if isinstance(wide_rest, dict) and isinstance(narrow_rest, dict):
        yield from find_narrowings(wide.at(wide_rest), narrow.at(narrow_rest), f"{place}.*", visited)
    elif narrow_rest is not True and wide_rest is not False and wide_rest != narrow_rest:
        yield Narrowing(place, "additionalProperties", wide_rest, narrow_rest)
