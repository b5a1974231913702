"""A module's part of pyproject.toml, and of files that have a line or two per module."""

import re

from tools.scaffold.file_edits import replace_text
from tools.scaffold.names import REFERENCE_MODULE, Names

LISTS = re.compile(
    r'^(files|source|root_packages|source_modules|containers|layers) = \[.*"news.*$', re.MULTILINE
)
"""Lists of packages in pyproject.toml that contain the modules."""

IMPORT_RULE = r'^\[\[tool\.importlinter\.contracts\]\]\nname = "{}: .*\n(?:.+\n)*\n'
"""A contract of import-linter that is named after a module."""

MODULE_LINES = {
    "Dockerfile": ["COPY news /app/news\n"],
    "compose.yaml": ["  NEWS_TABLE: news\n"],
    "functions/wsgi.py": [
        "from news.controller import setup_route as setup_news\n",
        "setup_news(app)\n",
    ],
}
"""Lines of the reference module in other files."""

TABLE_FILES = {"compose.yaml"}
"""Those of the files that a module without a table is not in."""


def add_to_pyproject(text: str, names: Names) -> str:
    """Return pyproject.toml with the module in the lists of packages, and with import rules for its table."""
    text = LISTS.sub(lambda line: _add_to_list(line[0], line[1], names.module), text)
    if not names.has_table:
        return text
    rules = names.adapt("".join(re.findall(IMPORT_RULE.format(REFERENCE_MODULE), text, re.MULTILINE)))
    last = list(re.finditer(IMPORT_RULE.format(r"\w+"), text, re.MULTILINE))[-1]
    return text[: last.end()] + rules + text[last.end() :]


def _add_to_list(line: str, key: str, module: str) -> str:
    if key == "layers":
        return re.sub(r'", "shared"\]$', f' : {module}", "shared"]', line)
    if '"shared"' in line:
        return line.replace('"shared"', f'"{module}", "shared"')
    if f'"{REFERENCE_MODULE}"' in line:
        return line.removesuffix("]") + f', "{module}"]'
    return line


def add_lines(file: str, text: str, names: Names) -> str:
    """Return a file with the module's lines, each after the reference module's.

    Raises:
        EditError: the file no longer contains a line of the reference module.
    """
    for line in MODULE_LINES[file] if names.has_table or file not in TABLE_FILES else ():
        text = replace_text(text, line, line + names.adapt(line), file)
    return text
