"""A module's part of template.yaml and serverless.yml: what the sample module has there, under its name.

Both are changed as texts, so that comments, order and every other byte stay.
"""

import re

from tools.scaffold.file_edits import EditError, replaced
from tools.scaffold.names import SAMPLE, Names

TITLE = SAMPLE.capitalize()
READING = {"GET", "HEAD", "OPTIONS"}
HEADER = "  # --+ "
SECTION = rf"{HEADER}the {{}} module\n(?:(?!{HEADER}).*\n)*"
OUTPUT = r"  {}TableName:\n    .*\n"
WAY = r" +- !GetAtt {0}Table\.Arn\n +- !Sub '\$\{{{0}Table\.Arn\}}.*\n"
HEARD = r" +- !Sub 'ALARM\(\"\$\{{{}ErrorsAlarm\}}.*\n"
TABLE_SHOWN = r" +\[\"AWS/DynamoDB\", .*\"\$\{{{}Table\}}\".*\n"
ERRORS_SHOWN = r"SOURCE '\$\{{{}LogGroup\}}' \| "
OF_EACH, OF_TABLES = (HEARD, ERRORS_SHOWN), (OUTPUT, WAY, TABLE_SHOWN)
"""What stands outside of a module's section, for each module, and for one with a table."""

CONDITION = r"      HttpApiRoute(?:Get|Head|Options|Post|Put|Delete){}(?:ProxyVar)?: .*\n"


def added_to_template(text: str, names: Names) -> str:
    """template.yaml with a section for the module behind the last one's, and what tells of it elsewhere.

    Raises:
        EditError: the sample module isn't there as it was.
    """
    header, *parts = _parts(text, SAMPLE)
    kept = "".join(_cut(part, names) for part in parts if _is_wanted(part, names))
    text = _behind_last(text, SECTION, names.of(header + kept.rstrip("\n") + "\n\n"))
    for like in OF_EACH + OF_TABLES if names.has_table else OF_EACH:
        text = _behind_last(text, like, names.of(_found(like.format(TITLE), text)))
    return text


def removed_from_template(text: str, names: Names) -> str:
    """template.yaml without them.

    Raises:
        EditError: there is no such section.
    """
    text = text.replace("".join(_parts(text, names.module)), "", 1)
    return re.sub("|".join(like.format(names.title) for like in OF_EACH + OF_TABLES), "", text)


def added_to_serverless(text: str, template: str, names: Names) -> str:
    """serverless.yml with the function, and what it takes from a template that has the module's section.

    Raises:
        EditError: the sample module isn't there as it was.
    """
    function = _without_events(_block(text, 2, SAMPLE), names)
    function = re.sub(r"(?<=[&*])writer\b", f"{names.module}Writer", names.of(function))
    extension = names.of(_block(text, 6, f"{TITLE}LambdaFunction"))
    if names.has_table:
        extension += names.of("".join(re.findall(CONDITION.format(TITLE), text)))
    keys = _keys(template, names.module)
    ours = [_taken(key) for key in keys if _taken(TITLE + key.removeprefix(names.title)) in text]
    cache = _taken("ResponseCache")
    text = replaced(text, cache, "".join(ours) + cache, "serverless.yml")
    return text.replace("\nresources:\n", f"\n{function.rstrip()}\n\nresources:\n", 1) + extension


def removed_from_serverless(text: str, template: str, names: Names) -> str:
    """serverless.yml without them.

    Args:
        text: the file.
        template: template.yaml, which has the module's section still.
        names: the module's.

    Raises:
        EditError: the function isn't there.
    """
    for part in (_block(text, 2, names.module), _block(text, 6, f"{names.title}LambdaFunction")):
        text = text.replace(part, "", 1)
    for key in _keys(template, names.module):
        text = text.replace(_taken(key), "", 1)
    return re.sub(CONDITION.format(names.title), "", text)


def _parts(text: str, module: str) -> list[str]:
    """A module's section of the template: its header, its resources, and comments between them."""
    return re.split(r"^(?=  [#\w])", _found(SECTION.format(module), text), flags=re.MULTILINE)[1:]


def _keys(template: str, module: str) -> list[str]:
    """The names of a module's resources."""
    return re.findall(r"^  (\w+):", "".join(_parts(template, module)), re.MULTILINE)


def _is_wanted(part: str, names: Names) -> bool:
    """Whether the module has such a resource too; comments are not repeated."""
    if "AWS::ApiGatewayV2::Route\n" in part:
        return _is_event(part, names)
    return part.lstrip()[0] != "#" and (names.has_table or not part.startswith(f"  {TITLE}Table:"))


def _is_event(text: str, names: Names) -> bool:
    """Whether a route is one of the sample's own path, and the module has such a one."""
    found = re.search(r"\b([A-Z]{3,})\b[^/]*(/[\w.]*)", text.partition("RouteKey: ")[2] or text)
    return bool(found and found[2] == f"/{SAMPLE}" and (names.has_table or found[1] in READING))


def _cut(part: str, names: Names) -> str:
    """A resource without what a module that is new doesn't need."""
    unwanted = [
        r"        - { AttributeName: (?:category|source), .*\n",
        r"        - IndexName: by_(?:category|source)\n(?:          .*\n)*",
        r"                  - dynamodb:Batch.*\n",
    ]
    if not names.has_table:
        unwanted += [
            rf"          {SAMPLE.upper()}_TABLE: .*\n",
            r"              - Sid: (?:Items|Lists)\n(?:                .*\n)*",
        ]
    return re.sub("|".join(unwanted), "", part)


def _without_events(function: str, names: Names) -> str:
    """A function of serverless.yml with those of the sample's events only that the module has."""
    lines = function.splitlines(keepends=True)
    return "".join(line for line in lines if "httpApi:" not in line or _is_event(line, names))


def _taken(key: str) -> str:
    """The line with which serverless.yml takes a resource from the template."""
    return f"      {key}: ${{file(template.yaml):Resources.{key}}}\n"


def _block(text: str, indent: int, key: str) -> str:
    """A key of a mapping, and all that stands under it."""
    return _found(rf"^ {{{indent}}}{key}:.*\n(?:(?: {{{indent + 1},}}.*)?\n)*", text)


def _behind_last(text: str, like: str, new: str) -> str:
    """The text with something new behind the last of its kind, whatever that is called."""
    last = list(re.finditer(like.format(r"\w+"), text, re.MULTILINE))[-1]
    return text[: last.end()] + new + text[last.end() :]


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise EditError(f"a deployment file has nothing like {pattern!r}: it was changed; do it by hand")
    return found[0]
