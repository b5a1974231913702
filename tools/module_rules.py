"""A module's part of pyproject.toml, of functions/wsgi.py and of tools/tables.py."""

import re

from tools.edits import replaced
from tools.module_names import SAMPLE, Names

LISTS = re.compile(r"^(files|source|root_packages|source_modules|containers|layers) = .*$", re.MULTILINE)
CONTRACT = r'^\[\[tool\.importlinter\.contracts\]\]\nname = "{}: .*\n(?:.+\n)*\n'


def added_to_project(text: str, names: Names) -> str:
    """pyproject.toml with the module among what is checked, and with contracts of its own."""

    def with_module(line: re.Match[str]) -> str:
        if line[1] == "layers":
            return re.sub(r'", "shared"\]$', f' : {names.module}", "shared"]', line[0])
        if '"shared"' in line[0]:
            return line[0].replace('"shared"', f'"{names.module}", "shared"')
        if f'"{SAMPLE}"' in line[0]:
            return line[0].removesuffix("]") + f', "{names.module}"]'
        return line[0]

    text = LISTS.sub(with_module, text)
    if not names.has_table:
        return text
    ours = names.of("".join(re.findall(CONTRACT.format(SAMPLE), text, re.MULTILINE)))
    last = list(re.finditer(CONTRACT.format(r"\w+"), text, re.MULTILINE))[-1]
    return text[: last.end()] + ours + text[last.end() :]


def removed_from_project(text: str, names: Names) -> str:
    """pyproject.toml without it."""
    name = names.module
    text = LISTS.sub(lambda line: re.sub(rf'"{name}", |, "{name}"| : {name}\b', "", line[0]), text)
    return re.sub(CONTRACT.format(name), "", text, flags=re.MULTILINE)


def added_to_app(text: str, names: Names) -> str:
    """functions/wsgi.py with the module set up last.

    Raises:
        EditError: the sample module isn't set up there as it was.
    """
    imported, call = _app_lines(names)
    sample = f"from {SAMPLE}.controller import setup_route as setup_{SAMPLE}\n"
    return replaced(text, sample, sample + imported, "functions/wsgi.py") + call


def removed_from_app(text: str, names: Names) -> str:
    """functions/wsgi.py without it."""
    for line in _app_lines(names):
        text = text.replace(line, "", 1)
    return text


def added_to_tables(text: str, names: Names) -> str:
    """tools/tables.py with the module's table, if it has one.

    Raises:
        EditError: the sample module's isn't there as it was.
    """
    if names.has_table:
        for line in _table_lines():
            text = replaced(text, line, line + names.of(line), "tools/tables.py")
    return text


def removed_from_tables(text: str, names: Names) -> str:
    """tools/tables.py without it."""
    for line in _table_lines():
        text = text.replace(names.of(line), "", 1)
    return text


def _app_lines(names: Names) -> tuple[str, str]:
    name = names.module
    return f"from {name}.controller import setup_route as setup_{name}\n", f"setup_{name}(app)\n"


def _table_lines() -> tuple[str, str]:
    row = f"{SAMPLE.capitalize()}Row"
    return f"from {SAMPLE}.table import {row}\n", f'    "{SAMPLE}": {row},\n'
