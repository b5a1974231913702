"""`make openapi`: write the OpenAPI document, openapi.json, from routes, types and operations.

Routes, scopes and types come from the app. What the code does not say is in operations.py and
operations_<module>.py.
"""

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
from werkzeug.routing import Rule

from shared.auth.scopes import scope_of
from shared.rate_limit import UNLIMITED_ENDPOINTS
from shared.web import openapi as openapi_routes
from shared.web.problems import Problem
from tools.local.tables import LOCAL_NAMES
from tools.openapi.compatibility import unversioned_breaking_changes
from tools.openapi.operations import NUMERIC_PARAMETERS, SHARED, Operation, Response
from tools.openapi.responses import (
    GATEWAY_ERROR,
    GATEWAY_ERROR_SCHEMA,
    RATE_LIMIT,
    document_errors,
    document_response,
    reference,
)

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILE = ROOT / "openapi.json"
RELEASED = ROOT / "docs" / "openapi-released.json"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
SECURITY_SCHEME = "token"
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Must grant the scope of the operation. `make token` prints a token for a local run.",
}
UNDOCUMENTED_BLUEPRINTS = {openapi_routes.routes.name, openapi_routes.docs_routes.name}
"""Blueprints that serve the document itself."""


def build_document() -> str:
    """Return the OpenAPI document of every module's routes, as the text of openapi.json."""
    app = _load_app()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    spec = APISpec(
        *(project["name"], project["version"], "3.1.0"),
        info={"description": project["description"]},
        servers=[{"url": ".", "description": "the location of this document"}],  # holds behind any stage
    )
    for name, schema in sorted((_schemas() | {GATEWAY_ERROR: GATEWAY_ERROR_SCHEMA}).items()):
        spec.components.schema(name, schema)
    spec.components.security_scheme(SECURITY_SCHEME, BEARER)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted(METHODS & (rule.methods or set())):
            if not rule.alias and rule.endpoint.partition(".")[0] not in UNDOCUMENTED_BLUEPRINTS:
                operations = {method.lower(): _operation(app, rule)}
                spec.path(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), operations=operations)
    text = json.dumps(spec.to_dict(), indent=2, ensure_ascii=False) + "\n"
    # JSON Schema has no `\Z`: there, `$` matches at the end of the text only.
    return text.replace(r'\\Z"', '$"')


def _load_app() -> Flask:
    os.environ.update(LOCAL_NAMES, STAGE="local", AWS_REGION="us-east-1")
    from functions.wsgi import app  # noqa: PLC0415  # reads the environment as it is imported

    return app


@cache
def _operation_modules() -> list[ModuleType]:
    return [import_module(f"tools.openapi.{file.stem}") for file in sorted(HERE.glob("operations_*.py"))]


def _operations() -> dict[str, Operation]:
    return SHARED | {
        endpoint: operation
        for module in _operation_modules()
        for endpoint, operation in module.OPERATIONS.items()
    }


def _examples() -> dict[type, Any]:
    return {type_: example for module in _operation_modules() for type_, example in module.EXAMPLES.items()}


def _schemas() -> dict[str, Any]:
    types: list[type] = [Problem]
    for operation in _operations().values():
        bodies = [operation.body, *(response.body for response in operation.responses.values())]
        types += [body for body in bodies if isinstance(body, type)]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return schemas


def _operation(app: Flask, rule: Rule) -> dict[str, Any]:
    operation = _operations()[rule.endpoint]
    scope = scope_of(app, rule.endpoint)
    if rule.endpoint not in UNLIMITED_ENDPOINTS:
        operation = _with_rate_limit(operation)
    responses = {str(status): _response(status, each) for status, each in operation.responses.items()}
    documented: dict[str, Any] = {
        "operationId": rule.endpoint,
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": (inspect.getdoc(app.view_functions[rule.endpoint]) or "").partition("\n")[0],
        "parameters": [*operation.parameters, *_query_parameters(operation.query)],
        "responses": dict(sorted((_problems(operation, scope) | responses).items())),
    }
    if operation.body:
        documented["requestBody"] = {"required": True, "content": _content(operation.body)}
    if scope:
        documented["security"] = [{SECURITY_SCHEME: [scope]}]  # OpenAPI 3.1, section 4.8.30
    return documented


def _with_rate_limit(operation: Operation) -> Operation:
    """Return an operation with the headers and the error of the rate limit."""
    responses = {
        status: each._replace(optional_headers={**each.optional_headers, **RATE_LIMIT})
        for status, each in operation.responses.items()
    }
    return operation._replace(responses=responses, problems=(*operation.problems, 429))


def _query_parameters(type_: Any) -> list[dict[str, Any]]:
    """Return the query parameters of a type, without null, which stands for a parameter that is not sent."""
    if type_ is None:
        return []
    schema = msgspec.json.schema(type_)["$defs"][type_.__name__]
    parameters = []
    for name, property_ in schema["properties"].items():
        alternatives = property_.get("anyOf", ())
        value = next((each for each in alternatives if each != {"type": "null"}), property_)
        required = name in schema.get("required", ())
        value = NUMERIC_PARAMETERS.get(name, value)
        parameters.append({"name": name, "in": "query", "required": required, "schema": value})
    return parameters


def _response(status: int, response: Response) -> dict[str, Any]:
    return document_response(status, response, {} if response.body is None else _content(response.body))


def _problems(operation: Operation, scope: str | None) -> dict[str, Any]:
    statuses = {400, 414, 431, *operation.problems}  # gunicorn: the URL or the header is too large
    statuses |= {401, 403} if scope else set()
    statuses |= {413, 415} if operation.body else set()
    return document_errors(statuses, has_scope=scope is not None)


def _content(body: Any) -> dict[str, Any]:
    if isinstance(body, dict):
        return {"application/json": {"schema": body}}
    return {"application/json": {"schema": reference(body.__name__), "example": _examples()[body]}}


def main() -> None:
    """Write openapi.json and print its breaking changes; with --released, copy it."""
    parser = argparse.ArgumentParser(prog="make openapi", usage="make openapi [RELEASED=yes]")
    parser.add_argument("--released", action="store_true")
    arguments = parser.parse_args()
    FILE.write_text(build_document())
    print(f"openapi: wrote {FILE.name}; make run shows it at /docs")
    if arguments.released:
        shutil.copyfile(FILE, RELEASED)
        print(f"openapi: copied it to {RELEASED.relative_to(ROOT)}")
    for line in unversioned_breaking_changes(RELEASED, FILE):
        print(f"openapi: breaking change: {line}; revert it, or raise the version in pyproject.toml")


if __name__ == "__main__":
    main()
