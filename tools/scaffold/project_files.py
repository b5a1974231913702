"""A module's part of pyproject.toml and compose.yaml.

Other files find the modules: functions/wsgi.py and Dockerfile by controller.py, tools by service.py or
table.py, mypy and most import rules by patterns.
"""

from typing import Any

import tomlkit

from tools.scaffold.file_edits import EditError, replace_text
from tools.scaffold.names import REFERENCE_MODULE, Names

COMPOSE_LINE = f"  {REFERENCE_MODULE.upper()}_TABLE: {REFERENCE_MODULE}\n"


def add_to_pyproject(text: str, names: Names) -> str:
    """Return pyproject.toml with the module in the lists of packages, and with import rules for its table.

    Raises:
        EditError: a list or rule of the reference module was not found.
    """
    document: Any = tomlkit.parse(text)
    try:
        linter = document["tool"]["importlinter"]
        rules = {rule["name"].partition(":")[0]: rule for rule in linter["contracts"]}
        _add_package(document["tool"]["coverage"]["run"]["source"], names)
        _add_package(linter["root_packages"], names)
        _add_package(rules["in a module"]["containers"], names)
        _add_layer(rules["tools, functions -> modules -> shared"]["layers"], names)
        if names.has_table:
            _add_rules(linter["contracts"], linter["root_packages"], names)
    except (KeyError, ValueError) as error:
        raise EditError(f"pyproject.toml: {error}; add the module by hand") from None
    return tomlkit.dumps(document)


def add_to_compose(text: str, names: Names) -> str:
    """Return compose.yaml with the name of the module's table.

    Raises:
        EditError: the line of the reference module was not found.
    """
    if not names.has_table:
        return text
    return replace_text(text, COMPOSE_LINE, COMPOSE_LINE + names.adapt(COMPOSE_LINE), "compose.yaml")


def _add_package(packages: Any, names: Names) -> None:
    """Add the module to a list, after the other modules."""
    modules_end = packages.index("shared") if "shared" in packages else len(packages)
    packages.insert(modules_end, names.module)


def _add_layer(layers: Any, names: Names) -> None:
    """Add the module to the layer of the modules, such as `news : search`."""
    index = layers.index("shared") - 1
    layers[index] = f"{layers[index]} : {names.module}"


def _add_rules(rules: Any, packages: Any, names: Names) -> None:
    """Add a copy of each rule that is named after the reference module, after those of the other modules."""
    owners = [rule["name"].partition(":")[0] for rule in rules]
    own = [rule for rule, owner in zip(rules, owners, strict=True) if owner == REFERENCE_MODULE]
    end = max(index for index, owner in enumerate(owners, start=1) if owner in packages)
    for index, rule in enumerate(own, start=end):
        copy = tomlkit.table()
        copy.update(tomlkit.parse(names.adapt(tomlkit.dumps(rule))))
        copy.add(tomlkit.nl())
        rules.insert(index, copy)
