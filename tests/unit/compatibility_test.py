"""Changes of the OpenAPI document: breaking ones are found, and fail without a new version."""

import copy
import json

import pytest

from tools.openapi.compatibility import (
    allows_breaking_changes,
    find_breaking_changes,
    unversioned_breaking_changes,
)
from tools.openapi.generator import FILE, RELEASED

DOCUMENT = json.loads(FILE.read_text())
ITEM = "/news/{news_id}"
SCHEMAS = DOCUMENT["components"]["schemas"]


def changed(path, change):
    """Return the document with a change at a path, whose parts are separated by spaces."""
    document = copy.deepcopy(DOCUMENT)
    place = document
    for part in path.split():
        place = place[int(part) if isinstance(place, list) else part]
    change(place)
    return document


def put(**values):
    return lambda place: place.update(values)


def drop(name):
    return lambda place: place.pop(name)


def add(value):
    return lambda place: place.append(value)


INPUT = "components schemas NewsInput"
NEWS = "components schemas News"
LIST = "paths /news/ get"
CREATE = "paths /news/ post"
LIMIT = f"{LIST} parameters 1 schema"
DEEP = "paths /health get responses 200 content application/json schema properties"


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        ("paths", drop("/health"), "GET /health: removed"),
        (f"paths {ITEM}", drop("delete"), f"DELETE {ITEM}: removed"),
        (LIST, put(security=[{"token": []}]), "GET /news/ security: was none, is [{'token': []}]"),
        (f"{CREATE} security 0", put(token=["news:admin"]), "POST /news/ security: was"),
        (f"{LIST} parameters", drop(2), "GET /news/ query cursor: removed"),
        (f"{LIST} parameters 2", put(required=True), "GET /news/ query cursor: now required"),
        (
            f"{LIST} parameters",
            add({"name": "q", "in": "query", "required": True, "schema": {}}),
            "GET /news/ query q: now required",
        ),
        (LIMIT, put(maximum=50), "GET /news/ query limit: maximum was 100, is 50"),
        (LIMIT, put(minimum=2), "GET /news/ query limit: minimum was 1, is 2"),
        (LIMIT, put(default=50), "GET /news/ query limit: default was 20, is 50"),
        (LIMIT, put(type="boolean"), "GET /news/ query limit: type was integer, is boolean"),
        (LIMIT, put(multipleOf=5), "GET /news/ query limit: multipleOf was None, is 5"),
        (
            f"{LIST} parameters 3 schema",
            put(enum=["a"]),
            "GET /news/ query category: enum was None, is ['a']",
        ),
        ("paths /health get parameters 0 schema", put(enum=["2"]), "GET /health query deep: enum was"),
        (f"{CREATE} requestBody content", lambda at: at.update(x=at.pop("application/json")), "removed"),
        (f"{INPUT} required", add("summary"), "body.summary: required was False, is True"),
        (f"{INPUT} properties", drop("summary"), "body.summary: property was present, is absent"),
        (f"{INPUT} properties title", put(maxLength=10), "body.title: maxLength was 300, is 10"),
        (f"{INPUT} properties title", put(minLength=2), "body.title: minLength was 1, is 2"),
        (f"{INPUT} properties title", put(pattern="^A"), "body.title: pattern was ^[^"),
        (f"{INPUT} properties category", put(pattern="^A"), "body.category: pattern was"),
        (
            f"{INPUT} properties published_at anyOf 0",
            put(pattern="^2"),
            "published_at: pattern was None, is ^2",
        ),
        (f"{INPUT} properties title", put(type="integer"), "body.title: type was string, is integer"),
        (f"{INPUT} properties summary anyOf", drop(1), "body.summary: type was null/string, is string"),
        (f"{INPUT} properties summary anyOf 0", put(maxLength=1), "body.summary: maxLength was 2000, is 1"),
        (f"{INPUT} properties source", put(format="hostname"), "body.source: format was None, is hostname"),
        (f"{CREATE} responses", drop("409"), "POST /news/ 409: removed"),
        (f"{CREATE} responses 201 headers", drop("Location"), "POST /news/ 201 Location: no longer required"),
        (
            f"{CREATE} responses 201 headers Location",
            put(required=False),
            "POST /news/ 201 Location: no longer required",
        ),
        (
            f"{CREATE} responses 409 content",
            lambda at: at.update(x=at.pop("application/problem+json")),
            "POST /news/ 409: application/problem+json removed",
        ),
        (f"{NEWS} required", lambda at: at.remove("source"), "200.source: required was True, is False"),
        (
            f"{NEWS} required",
            lambda at: at.remove("source"),
            "200.items[].source: required was True, is False",
        ),
        (f"{NEWS} properties title", put(maxLength=400), "200.title: maxLength was 300, is 400"),
        (f"{NEWS} properties title", drop("minLength"), "200.title: minLength was 1, is None"),
        (f"{NEWS} properties version", put(type="string"), "200.version: type was integer, is string"),
        (f"{NEWS} properties version", put(type="number"), "200.version: type was integer, is number"),
        (
            f"{NEWS} properties title",
            put(type=["string", "null"]),
            "200.title: type was string, is null/string",
        ),
        (f"{NEWS} properties id", drop("format"), "200.id: format was uuid, is None"),
        (f"{DEEP} status", put(enum=["ok", "degraded", "down", "odd"]), "GET /health 200.status: enum was"),
        (f"{DEEP} checks", drop("additionalProperties"), "GET /health 200.checks: additionalProperties was"),
        (
            f"{DEEP} checks additionalProperties",
            put(enum=["ok", "odd", "slow", "unreachable"]),
            "200.checks.*: enum",
        ),
    ],
)
def test_a_breaking_change_is_found(path, change, expected):
    found = find_breaking_changes(DOCUMENT, changed(path, change))
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("paths", put(**{"/others/": DOCUMENT["paths"]["/news/"]})),
        (LIST, put(summary="Other words")),
        (f"{LIST} parameters", add({"name": "q", "in": "query", "required": False, "schema": {}})),
        (LIMIT, put(maximum=1000)),
        (LIMIT, put(type="number")),
        (f"{LIST} responses", put(**{"418": {"description": "I am a teapot"}})),
        (f"{CREATE} responses 201 headers", put(Age={"required": True, "schema": {}})),
        (CREATE, drop("security")),
        (f"{INPUT} properties", put(author={"type": "string"})),
        (f"{INPUT} required", lambda at: at.remove("source")),
        (f"{INPUT} properties title", put(maxLength=400)),
        (f"{INPUT} properties title", drop("minLength")),
        (f"{INPUT} properties title", put(anyOf=[{"type": "string"}, {"type": "null"}])),
        (f"{INPUT} properties category", drop("pattern")),
        (NEWS, put(additionalProperties=False)),
        (f"{NEWS} properties", put(author={"type": "string"})),
        (f"{NEWS} required", add("author")),
        (f"{NEWS} properties title", put(maxLength=200)),
        (f"{NEWS} properties summary anyOf", drop(1)),
        (f"{DEEP} status", put(enum=["ok", "down"])),
    ],
)
def test_a_compatible_change_is_not_reported(path, change):
    assert find_breaking_changes(DOCUMENT, changed(path, change)) == []


def test_a_recursive_schema_is_compared_once():
    children = {"type": "array", "items": {"$ref": f"#/{NEWS}".replace(" ", "/")}}
    tree = {"type": "object", "properties": {"children": children}}
    old = changed("components schemas", put(News=tree))
    assert find_breaking_changes(old, copy.deepcopy(old)) == []


@pytest.mark.parametrize(
    ("old", "new", "is_allowed"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.1.0", "1.2.0", False),
        ("1.1.0", "2.0.0", True),
        ("2.0.0", "1.9.0", False),
        ("0.2.0", "0.1.0", False),
    ],
)
def test_a_version_allows_breaking_changes_as_in_semantic_versioning(old, new, is_allowed):
    assert allows_breaking_changes(old, new) == is_allowed


def test_the_document_is_compatible_with_the_released_one():
    changes = unversioned_breaking_changes(RELEASED, FILE)
    assert changes == [], "revert the change, or raise the version in pyproject.toml"


def test_a_breaking_change_needs_a_new_version(tmp_path):
    released = tmp_path / "released.json"
    older = changed("paths", put(**{"/old": {"get": {"responses": {}}}}))
    released.write_text(json.dumps(older))
    assert unversioned_breaking_changes(released, FILE) == ["GET /old: removed"]
    older["info"]["version"] = "0.0.9"
    released.write_text(json.dumps(older))
    assert unversioned_breaking_changes(released, FILE) == []
