"""A module's part of template.yaml and serverless.yml: a copy of the reference module's, under its name.

Both files are edited as text. A round trip through ruamel.yaml without any edit changes 85 of 849 lines of
template.yaml and 38 of 173 lines of serverless.yml, with the indentation and width that change the fewest.
ruamel.yaml also attaches the comment above a module's section to the resource before it.
"""

import re

from tools.scaffold.file_edits import EditError, replace_text
from tools.scaffold.names import REFERENCE_MODULE, Names

TITLE = REFERENCE_MODULE.capitalize()
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
SECTION_START = "  # --+ "
SECTION = rf"{SECTION_START}the {{}} module\n(?:(?!{SECTION_START}).*\n)*"

COMPOSITE_ALARM = r" +- !Sub 'ALARM\(\"\$\{{{}ErrorsAlarm\}}.*\n"
DASHBOARD_ERRORS = r"SOURCE '\$\{{{}LogGroup\}}' \| "
ROLE_DEPENDENCY = r"      - {}Role\n"
MODULE_PATTERNS = (COMPOSITE_ALARM, DASHBOARD_ERRORS, ROLE_DEPENDENCY)
"""Text of template.yaml outside of the modules' sections, once per module."""

TABLE_PARAMETER = r"  {}TableName:\n    Type: .*\n(?:    .*\n)*"
TABLE_CONDITION = r"  Creates{}Table: .*\n"
TABLE_OUTPUT = r"  {}TableName:\n    Value: .*\n"
ENDPOINT_POLICY = r" +- !If \[Creates{0}Table, !GetAtt .*\n +- !If \[Creates{0}Table, .*\n"
DASHBOARD_TABLE = r" +\[\"AWS/DynamoDB\", .*\"\$\{{Used{}Table\}}\".*\n"
DASHBOARD_TABLE_NAME = r"        Used{}Table: .*\n"
TABLE_PATTERNS = (
    TABLE_PARAMETER,
    TABLE_CONDITION,
    TABLE_OUTPUT,
    ENDPOINT_POLICY,
    DASHBOARD_TABLE,
    DASHBOARD_TABLE_NAME,
)
"""The same, once per module with a table."""

SERVERLESS_PARAMETER = r"      {}TableName: \{{ Default: .*\n"
ROUTE_EXTENSION = r"      HttpApiRoute(Get|Head|Options|Post|Put|Delete){}(?:ProxyVar)?: .*\n"


def add_to_template(text: str, names: Names) -> str:
    """Return template.yaml with a section for the module after the last module's, and its lines elsewhere.

    Raises:
        EditError: the reference module's part was not found.
    """
    header, *resources = _split_section(text, REFERENCE_MODULE)
    copied = "".join(_trim(resource, names) for resource in resources if _is_needed(resource, names))
    text = _insert_after_last(text, SECTION, names.adapt(header + copied.rstrip("\n") + "\n\n"))
    for pattern in MODULE_PATTERNS + TABLE_PATTERNS if names.has_table else MODULE_PATTERNS:
        text = _insert_after_last(text, pattern, names.adapt(_find(pattern.format(TITLE), text)))
    return text


def add_to_serverless(text: str, template: str, names: Names) -> str:
    """Return serverless.yml with the module's function, and references to its resources in the template.

    Args:
        text: serverless.yml.
        template: template.yaml with the module's section.
        names: the module's names.

    Raises:
        EditError: the reference module's part was not found.
    """
    function = _drop_events(_find_block(text, 2, REFERENCE_MODULE), names)
    function = re.sub(r"(?<=[&*])writer\b", f"{names.module}Writer", names.adapt(function))
    extension = names.adapt(_find_block(text, 6, f"{TITLE}LambdaFunction"))
    extension += names.adapt("".join(_route_extensions(text, names)))
    keys = re.findall(r"^  (\w+):", "".join(_split_section(template, names.module)), re.MULTILINE)
    copied = [key for key in keys if _reference(TITLE + key.removeprefix(names.title)) in text]
    cache = _reference("ResponseCache")
    text = replace_text(text, cache, "".join(map(_reference, copied)) + cache, "serverless.yml")
    if names.has_table:
        parameter = names.adapt(_find(SERVERLESS_PARAMETER.format(TITLE), text))
        text = _insert_after_last(text, SERVERLESS_PARAMETER, parameter)
    return text.replace("\nresources:\n", f"\n{function.rstrip()}\n\nresources:\n", 1) + extension


def _route_extensions(text: str, names: Names) -> list[str]:
    """Return the conditions of the routes that the module has too."""
    return [
        match[0]
        for match in re.finditer(ROUTE_EXTENSION.format(TITLE), text)
        if names.has_table or match[1].upper() in SAFE_METHODS
    ]


def _split_section(text: str, module: str) -> list[str]:
    """Return the parts of a module's section of the template: header, resources and comments."""
    return re.split(r"^(?=  [#\w])", _find(SECTION.format(module), text), flags=re.MULTILINE)[1:]


def _is_needed(part: str, names: Names) -> bool:
    """Return whether the module needs such a resource too; comments are not copied."""
    if "AWS::ApiGatewayV2::Route\n" in part:
        return _has_route(part, names)
    return part.lstrip()[0] != "#" and (names.has_table or not part.startswith(f"  {TITLE}Table:"))


def _has_route(text: str, names: Names) -> bool:
    """Return whether a route or event is one under the reference module's path that the module has too."""
    route = re.search(r"\b([A-Z]{3,})\b[^/]*(/[\w.]*)", text.partition("RouteKey: ")[2] or text)
    return bool(
        route and route[2] == f"/{REFERENCE_MODULE}" and (names.has_table or route[1] in SAFE_METHODS)
    )


def _trim(resource: str, names: Names) -> str:
    """Return a resource without the parts that a generated module does not need."""
    unwanted = [
        r"        - { AttributeName: (?:category|source), .*\n",
        r"        - IndexName: by_(?:category|source)\n(?:          .*\n)*",
        r"                  - dynamodb:Batch.*\n",
    ]
    if not names.has_table:
        unwanted += [
            rf"          {REFERENCE_MODULE.upper()}_TABLE: .*\n",
            rf"            - !If \[Creates{TITLE}Table, .*\n",  # in the descriptions
            r", \$\{Table\}",
            r"            Table: .*\n",
            r"              - Sid: (?:Items|Lists)\n(?:                .*\n)*",
        ]
    return re.sub("|".join(unwanted), "", resource)


def _drop_events(function: str, names: Names) -> str:
    """Return a function of serverless.yml without the events that the module does not have."""
    lines = function.splitlines(keepends=True)
    return "".join(line for line in lines if "httpApi:" not in line or _has_route(line, names))


def _reference(key: str) -> str:
    """Return the line of serverless.yml that includes a resource of the template."""
    return f"      {key}: ${{file(template.yaml):Resources.{key}}}\n"


def _find_block(text: str, indent: int, key: str) -> str:
    """Return a key of a YAML mapping with its value."""
    return _find(rf"^ {{{indent}}}{key}:.*\n(?:(?: {{{indent + 1},}}.*)?\n)*", text)


def _insert_after_last(text: str, pattern: str, new: str) -> str:
    """Return the text with `new` after the last match of a pattern, for any module."""
    last = list(re.finditer(pattern.format(r"\w+"), text, re.MULTILINE))[-1]
    return text[: last.end()] + new + text[last.end() :]


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if not match:
        raise EditError(f"a deployment file has no match for {pattern!r}; add the module by hand")
    return match[0]
