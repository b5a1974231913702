"""Whether one JSON schema takes every value that another one takes, and where it doesn't.

What a client may send must still be taken: for a request the older schema is the wide one. What it gets must
be no more than it was told: for an answer the newer one is. A keyword that isn't known here counts as
narrower wherever it differs.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]

TALK = {"$comment", "default", "deprecated", "description", "example", "examples", "title"}
"""Keywords that take no value out."""

STRUCTURE = {"$ref", "additionalProperties", "anyOf", "items", "oneOf", "properties", "required", "type"}
MOST = {"exclusiveMaximum", "maxItems", "maxLength", "maxProperties", "maximum"}
LEAST = {"exclusiveMinimum", "minItems", "minLength", "minProperties", "minimum"}


class Side(NamedTuple):
    """A schema, and the contract that its references lead into."""

    schema: Schema
    contract: Schema

    def at(self, schema: Schema) -> "Side":
        """Another schema of the same contract, behind its reference if it is one."""
        while "$ref" in schema:
            found: Any = self.contract
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return Side(schema, self.contract)


class Gap(NamedTuple):
    """A place where the narrow side takes less, by a keyword, and what each side has there."""

    place: str
    word: str
    wide: object
    narrow: object


Pairs = frozenset[tuple[int, int]]


def gaps(wide: Side, narrow: Side, place: str, above: Pairs = frozenset()) -> Iterator[Gap]:
    """Every place where the wide side takes what the narrow one doesn't.

    Args:
        wide: what values there are to take.
        narrow: what should take them.
        place: where that is, for a person.
        above: the pairs of schemas that these are a part of; one that holds itself is compared once.
    """
    pair = (id(wide.schema), id(narrow.schema))
    if pair in above:
        return
    ours, theirs = _by_type(wide), _by_type(narrow)
    if missing := [kind for kind in ours if _counterpart(kind, theirs) is None]:
        yield Gap(place, "type", "/".join(sorted(ours)), "/".join(sorted(theirs)))
    for kind in sorted(ours.keys() - missing):
        mine, other = ours[kind], theirs[_counterpart(kind, theirs) or kind]
        yield from _value_gaps(mine.schema, other.schema, place)
        yield from _item_gaps(mine, other, place, above | {pair})
        yield from _property_gaps(mine, other, place, above | {pair})


def _by_type(side: Side) -> dict[str, Side]:
    """The alternatives of a schema by the type that each is of; `any` where none is named."""
    schema = side.at(side.schema).schema
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return {
                kind: found for each in schema[several] for kind, found in _by_type(side.at(each)).items()
            }
    kinds = schema.get("type", "any")
    return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, side.at(schema))


def _counterpart(kind: str, there: dict[str, Side]) -> str | None:
    """The type that takes values of a kind, if there is one."""
    also = {"integer": ["number"]}.get(kind, [])
    return next((each for each in (kind, *also, "any") if each in there), None)


def _value_gaps(wide: Schema, narrow: Schema, place: str) -> Iterator[Gap]:
    """By the keywords that say which values there are."""
    for word in sorted(narrow.keys() - TALK - STRUCTURE):
        had, has = wide.get(word), narrow[word]
        if word in MOST | LEAST and had is not None:
            is_narrower = had > has if word in MOST else had < has
        elif word == "enum" and had is not None:
            is_narrower = any(each not in has for each in had)
        else:  # there was no such rule; or a pattern, a format, or what isn't known
            is_narrower = had != has
        if is_narrower:
            yield Gap(place, word, had, has)


def _item_gaps(wide: Side, narrow: Side, place: str, above: Pairs) -> Iterator[Gap]:
    if "items" in narrow.schema:
        ours, theirs = (side.at(side.schema.get("items", {})) for side in (wide, narrow))
        yield from gaps(ours, theirs, f"{place}[]", above)


def _property_gaps(wide: Side, narrow: Side, place: str, above: Pairs) -> Iterator[Gap]:
    for name in sorted(set(narrow.schema.get("required", ())) - set(wide.schema.get("required", ()))):
        yield Gap(f"{place}.{name}", "required", wide=False, narrow=True)
    ours, theirs = (side.schema.get("properties", {}) for side in (wide, narrow))
    others, other = (side.schema.get("additionalProperties", True) for side in (wide, narrow))
    for name in ours:
        if name in theirs:
            yield from gaps(wide.at(ours[name]), narrow.at(theirs[name]), f"{place}.{name}", above)
        elif other is False:
            yield Gap(f"{place}.{name}", "property", "there", "not there")
    if isinstance(others, dict) and isinstance(other, dict):
        yield from gaps(wide.at(others), narrow.at(other), f"{place}.*", above)
    elif other is not True and others is not False and others != other:
        yield Gap(place, "additionalProperties", others, other)
