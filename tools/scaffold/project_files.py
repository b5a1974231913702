"""A module's part of pyproject.toml, and of the files that say a line or two of each module."""

import re

from tools.scaffold.file_edits import replaced
from tools.scaffold.names import SAMPLE, Names

LISTS = re.compile(
    r'^(files|source|root_packages|source_modules|containers|layers) = \[.*"news.*$', re.MULTILINE
)
CONTRACT = r'^\[\[tool\.importlinter\.contracts\]\]\nname = "{}: .*\n(?:.+\n)*\n'


LINES = {
    "Dockerfile": ["COPY news /app/news\n"],
    "compose.yaml": ["  NEWS_TABLE: news\n"],
    "functions/wsgi.py": [
        "from news.controller import setup_route as setup_news\n",
        "setup_news(app)\n",
    ],
    "tools/local/tables.py": ["from news.table import NewsRecord\n", '    "news": NewsRecord,\n'],
}
"""What other files say of the sample module, a line each."""

FOR_TABLES = {"compose.yaml", "tools/local/tables.py"}


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


def added_lines(file: str, text: str, names: Names) -> str:
    """A file with the module's lines, each behind the sample module's.

    Raises:
        EditError: those aren't there as they were.
    """
    for line in LINES[file] if names.has_table or file not in FOR_TABLES else ():
        text = replaced(text, line, line + names.of(line), file)
    return text


def removed_lines(file: str, text: str, names: Names) -> str:
    """The file without them."""
    for line in LINES[file]:
        text = text.replace(names.of(line), "", 1)
    return text
