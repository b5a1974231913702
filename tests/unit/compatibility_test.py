"""Changes of the contract: what breaks those who use it is told, and fails without a new version."""

import copy
import json

import pytest

from support.environment import ROOT
from tools.openapi.compatibility import breaking, permitted
from tools.openapi.generator import RELEASED, problems

CONTRACT = json.loads((ROOT / "openapi.json").read_text())
ITEM = "/news/{news_id}"
SCHEMAS = CONTRACT["components"]["schemas"]


def changed(path, change):
    """The contract with a change at a place, whose parts are split by blanks."""
    contract = copy.deepcopy(CONTRACT)
    place = contract
    for part in path.split():
        place = place[int(part) if isinstance(place, list) else part]
    change(place)
    return contract


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
    ("path", "change", "told"),
    [
        ("paths", drop("/health"), "GET /health: is gone"),
        (f"paths {ITEM}", drop("delete"), f"DELETE {ITEM}: is gone"),
        (LIST, put(security=[{"token": []}]), "GET /news/ security: was none, is [{'token': []}]"),
        (f"{CREATE} security 0", put(token=["news:admin"]), "POST /news/ security: was"),
        (f"{LIST} parameters", drop(2), "GET /news/ query cursor: is gone"),
        (f"{LIST} parameters 2", put(required=True), "GET /news/ query cursor: is required"),
        (
            f"{LIST} parameters",
            add({"name": "q", "in": "query", "required": True, "schema": {}}),
            "GET /news/ query q: is required",
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
        (f"{CREATE} requestBody content", lambda at: at.update(x=at.pop("application/json")), "is gone"),
        (f"{INPUT} required", add("summary"), "body.summary: required was False, is True"),
        (f"{INPUT} properties", drop("summary"), "body.summary: property was there, is not there"),
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
        (f"{CREATE} responses", drop("409"), "POST /news/ 409: is gone"),
        (f"{CREATE} responses 201 headers", drop("Location"), "POST /news/ 201 Location: may be left out"),
        (
            f"{CREATE} responses 201 headers Location",
            put(required=False),
            "POST /news/ 201 Location: may be left out",
        ),
        (
            f"{CREATE} responses 409 content",
            lambda at: at.update(x=at.pop("application/problem+json")),
            "POST /news/ 409: application/problem+json is gone",
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
def test_what_breaks_a_client_is_told(path, change, told):
    found = breaking(CONTRACT, changed(path, change))
    assert any(told in line for line in found), found


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("paths", put(**{"/others/": CONTRACT["paths"]["/news/"]})),
        (LIST, put(summary="Other words")),
        (f"{LIST} parameters", add({"name": "q", "in": "query", "required": False, "schema": {}})),
        (LIMIT, put(maximum=1000)),
        (LIMIT, put(type="number")),
        (f"{LIST} responses", put(**{"429": {"description": "Too Many Requests"}})),
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
def test_what_breaks_nobody_is_not_told(path, change):
    assert breaking(CONTRACT, changed(path, change)) == []


def test_a_schema_that_holds_itself_is_compared_once():
    tree = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": f"#/{NEWS}".replace(" ", "/")}}},
    }
    old = changed("components schemas", put(News=tree))
    assert breaking(old, copy.deepcopy(old)) == []


@pytest.mark.parametrize(
    ("old", "new", "may"),
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
def test_a_version_permits_what_semantic_versioning_has_it_permit(old, new, may):
    assert permitted(old, new) == may


def test_the_contract_keeps_what_is_released():
    assert problems() == [], f"breaks {RELEASED.name}: raise the version in pyproject.toml, or keep it"


def test_a_break_without_a_new_version_is_a_problem(tmp_path, monkeypatch):
    released = tmp_path / "released.json"
    older = changed("paths", put(**{"/old": {"get": {"responses": {}}}}))
    released.write_text(json.dumps(older))
    monkeypatch.setattr("tools.openapi.generator.RELEASED", released)
    assert problems() == ["GET /old: is gone"]
    older["info"]["version"] = "0.0.9"
    released.write_text(json.dumps(older))
    assert problems() == []
