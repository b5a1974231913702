"""What a new module may be called, and the forms of its name."""

import builtins
import json
import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tools.scaffold.file_edits import EditError

SAMPLE = "news"
"""The module that a new one is deployed like."""


class Names(NamedTuple):
    """A module's name, whether it has a table, and the project's name, with which deployed names begin."""

    module: str
    has_table: bool
    project: str

    @property
    def title(self) -> str:
        """As types and resources are called."""
        return self.module.capitalize()

    def of(self, text: str) -> str:
        """What is said of the module `news`, said of this one; the project's name may be `news` too."""
        deployed = f"{self.project}-${{"
        text = text.replace(deployed, "\0")
        text = re.sub(rf"{SAMPLE.capitalize()}(?![a-z])", self.title, text)
        text = re.sub(rf"(?<![A-Z]){SAMPLE.upper()}(?![A-Z])", self.module.upper(), text)
        text = re.sub(rf"(?<![A-Za-z]){SAMPLE}(?![a-z])", self.module, text)
        return text.replace("\0", deployed)


def check(name: str, root: Path) -> None:
    """See that a module can be called so.

    Raises:
        EditError: it can't, and why.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{2,19}", name):
        raise EditError(f"{name!r} is no name: 3 to 20 small letters and digits, as search")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise EditError(f"{name!r} is a word of Python's")
    if taken := _taken(name, root):
        raise EditError(f"{name!r} is taken: {taken}")
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise EditError(f"{name!r} is a package that is installed: imports would find that one")


def _taken(name: str, root: Path) -> str:
    """What has the name already, or nothing."""
    places = [name, f"{name}.py", *(f"{folder}/{name}{end}" for folder, end in NAMED_AFTER_MODULES)]
    for place in places:
        if (root / place).exists():
            return f"{place} is there"
    contract = json.loads((root / "openapi.json").read_text())
    if any(path.split("/")[1] == name for path in contract["paths"]):
        return f"there is a route /{name}"
    types = [f"{name.capitalize()}{end}" for end in ("", "Result", "Input", "Page")]
    found = [each for each in types if each in contract["components"]["schemas"]]
    return f"the contract has a type {found[0]}" if found else ""


NAMED_AFTER_MODULES = (
    ("functions", ".py"),
    ("tests", "_test.py"),
    ("tests/support", "_cases.py"),
)
