"""The name of a new module: its rules and its forms."""

import builtins
import json
import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tools.scaffold.file_edits import EditError

REFERENCE_MODULE = "news"
"""The module whose deployment and import rules a new module copies."""

MODULE_FILES = (
    "{}",
    "{}.py",
    "functions/{}.py",
    "tests/{}_test.py",
    "tests/support/{}_cases.py",
    "tools/openapi/operations_{}.py",
)
"""Paths that belong to a module, by its name."""


class Names(NamedTuple):
    """The forms of a module's name.

    Attributes:
        module: name of the package, such as `search`.
        has_table: whether the module has a DynamoDB table.
        project: name of the project, the prefix of deployed names.
    """

    module: str
    has_table: bool
    project: str

    @property
    def title(self) -> str:
        """Prefix of types and of CloudFormation resources."""
        return self.module.capitalize()

    def adapt(self, text: str) -> str:
        """Return a text about the reference module as a text about this one.

        The prefix of deployed names stays, since the project may be called `news` too.
        """
        prefix = f"{self.project}-${{"
        text = text.replace(prefix, "\0")
        text = re.sub(rf"{REFERENCE_MODULE.capitalize()}(?![a-z])", self.title, text)
        text = re.sub(rf"(?<![A-Z]){REFERENCE_MODULE.upper()}(?![A-Z])", self.module.upper(), text)
        text = re.sub(rf"(?<![A-Za-z]){REFERENCE_MODULE}(?![a-z])", self.module, text)
        return text.replace("\0", prefix)


def validate_name(name: str, root: Path) -> None:
    """Check that a new module can have a name.

    Raises:
        EditError: the name is invalid, reserved or taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{2,19}", name):
        raise EditError(f"{name!r} is not a valid name: use 3 to 20 lowercase letters and digits")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise EditError(f"{name!r} is reserved by Python")
    if conflict := _find_conflict(name, root):
        raise EditError(f"{name!r} is taken: {conflict}")
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise EditError(f"{name!r} is the name of an installed package")


def _find_conflict(name: str, root: Path) -> str:
    """Return a description of what already has the name, or an empty string."""
    for path in MODULE_FILES:
        if (root / path.format(name)).exists():
            return f"{path.format(name)} exists"
    document = json.loads((root / "openapi.json").read_text())
    if any(path.split("/")[1] == name for path in document["paths"]):
        return f"the route /{name} exists"
    pattern = re.compile(rf"{name.capitalize()}([A-Z]\w*)?")
    schema = next(filter(pattern.fullmatch, document["components"]["schemas"]), "")
    return f"openapi.json has a schema {schema}" if schema else ""
