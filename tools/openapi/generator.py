"""`make openapi`: write the contract, openapi.json, from routes, types and what is said of each route."""

import argparse
import inspect
import json
import os
import re
import shutil
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from apispec import APISpec
from flask import Flask
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import Rule

from shared.auth.scopes import scope_of
from shared.constants import PROBLEM_JSON
from shared.web.problems import Problem
from tools.local.tables import LOCAL_NAMES
from tools.openapi.compatibility import breaking, permitted
from tools.openapi.operations import NUMBERS, SHARED, Answer, Operation

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "openapi.json"
RELEASED = ROOT / "docs" / "openapi-released.json"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
SCHEME = "token"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Must grant the scope that the operation names. `make token` prints one for a local run.",
}
SILENT = {"openapi", "docs"}
"""Blueprints whose routes are not in the contract: they show it."""

PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": "What is missing (RFC 6750)."},
    403: {"WWW-Authenticate": "The scope that is missing (RFC 6750)."},
    503: {"Retry-After": "Seconds to wait."},
}


def contract() -> str:
    """The contract of every module's routes, as the file holds it."""
    app = _app()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    spec = APISpec(
        *(project["name"], project["version"], "3.1.0"),
        info={"description": project["description"]},
        servers=[{"url": ".", "description": "where this contract is"}],  # behind any stage or base path
    )
    for name, schema in _schemas().items():
        spec.components.schema(name, schema)
    spec.components.security_scheme(SCHEME, BEARER)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted(METHODS & (rule.methods or set())):
            if not rule.alias and rule.endpoint.partition(".")[0] not in SILENT:
                operations = {method.lower(): _operation(app, rule)}
                spec.path(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), operations=operations)
    document = json.dumps(spec.to_dict(), indent=2, ensure_ascii=False) + "\n"
    return document.replace(
        r'\\Z"', '$"'
    )  # in a JSON schema `$` is the end of the text, and there is no `\Z`


def _app() -> Flask:
    os.environ.update(LOCAL_NAMES, STAGE="local", AWS_REGION="us-east-1")
    from functions.wsgi import app  # noqa: PLC0415  # reads the environment as it is imported

    return app


@cache
def _described() -> list[ModuleType]:
    """What is said of each module's routes: tools/openapi/operations_<module>.py."""
    files = sorted(Path(__file__).parent.glob("operations_*.py"))
    return [import_module(f"tools.openapi.{file.stem}") for file in files]


def _operations() -> dict[str, Operation]:
    return SHARED | {name: said for each in _described() for name, said in each.OPERATIONS.items()}


def _examples() -> dict[type, Any]:
    return {kind: example for each in _described() for kind, example in each.EXAMPLES.items()}


def _schemas() -> dict[str, Any]:
    types: list[type] = [Problem]
    for said in _operations().values():
        bodies = [said.body, *(answer.body for answer in said.answers.values())]
        types += [each for each in bodies if isinstance(each, type)]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return dict(sorted(schemas.items()))


def _operation(app: Flask, rule: Rule) -> dict[str, Any]:
    said = _operations()[rule.endpoint]
    scope = scope_of(app, rule.endpoint)
    documented: dict[str, Any] = {
        "operationId": rule.endpoint,
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": (inspect.getdoc(app.view_functions[rule.endpoint]) or "").partition("\n")[0],
        "parameters": [*said.parameters, *_query(said.query)],
        "responses": dict(sorted((_answers(said) | _problems(said, scope)).items())),
    }
    if said.body:
        documented["requestBody"] = {"required": True, "content": _content(said.body)}
    if scope:
        documented["security"] = [{SCHEME: [scope]}]  # OpenAPI 3.1, section 4.8.30
    return documented


def _query(kind: Any) -> list[dict[str, Any]]:
    """The query parameters of a type; null stands for one that isn't sent, so it is no value of any."""
    if kind is None:
        return []
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]
    parameters = []
    for name, given in schema["properties"].items():
        one = next((each for each in given.get("anyOf", ()) if each != {"type": "null"}), given)
        required = name in schema.get("required", ())
        parameters.append(
            {"name": name, "in": "query", "required": required, "schema": NUMBERS.get(name, one)}
        )
    return parameters


def _answers(said: Operation) -> dict[str, Any]:
    return {str(status): _answer(status, answer) for status, answer in said.answers.items()}


def _answer(status: int, answer: Answer) -> dict[str, Any]:
    headers = {name: (text, True) for name, text in answer.headers.items()}
    headers |= {name: (text, False) for name, text in answer.optional_headers.items()}
    documented: dict[str, Any] = {"description": HTTP_STATUS_CODES[status]}
    if headers:
        documented["headers"] = {
            name: {"description": text, "required": required, "schema": {"type": "string"}}
            for name, (text, required) in headers.items()
        }
    if answer.body is not None:
        documented["content"] = _content(answer.body)
    return documented


def _problems(said: Operation, scope: str | None) -> dict[str, Any]:
    statuses = {400, *said.problems}
    statuses |= {401, 403} if scope else set()
    statuses |= {413, 415} if said.body else set()
    return {str(status): _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    title = HTTP_STATUS_CODES[status]
    example = Problem(title, status, "What went wrong.", "831c0e63-5a0a-49d9-abdf-e7d770b56e7b")
    content = {"schema": _reference(Problem), "example": msgspec.to_builtins(example)}
    documented = _answer(status, Answer(None, PROBLEM_HEADERS.get(status, {})))
    return documented | {"content": {PROBLEM_JSON: content}}


def _content(kind: Any) -> dict[str, Any]:
    if isinstance(kind, dict):
        return {"application/json": {"schema": kind}}
    return {"application/json": {"schema": _reference(kind), "example": _examples()[kind]}}


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def problems() -> list[str]:
    """What the contract breaks of the released one without a version that permits it."""
    old, new = (json.loads(file.read_text()) for file in (RELEASED, FILE))
    versions = [each["info"]["version"] for each in (old, new)]
    return [] if permitted(*versions) else breaking(old, new)


def main() -> None:
    """Write the file, and say what it breaks; with --released, call it the released one."""
    parser = argparse.ArgumentParser(prog="make openapi", usage="make openapi [RELEASED=yes]")
    parser.add_argument("--released", action="store_true")
    arguments = parser.parse_args()
    FILE.write_text(contract())
    print(f"openapi: {FILE.name} is written; /docs of a run shows it")
    if arguments.released:
        shutil.copyfile(FILE, RELEASED)
        print(f"openapi: {RELEASED.relative_to(ROOT)} is the same now")
    for line in problems():
        print(f"openapi: breaks what is released: {line}; raise the version in pyproject.toml, or keep it")


if __name__ == "__main__":
    main()
