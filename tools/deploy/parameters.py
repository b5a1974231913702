"""The parameters of a stage: of the command, else of `stages/<stage>.yaml`, else the template's defaults."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tools.deploy import DeployError
from tools.deploy.template import read_template
from tools.package.uv import ROOT

TAGS_FILE = Path("stages") / "tags.yaml"


def read_parameters(stage: str, given: Iterable[str], root: Path = ROOT) -> dict[str, str]:
    """Return every parameter of template.yaml with its value.

    Args:
        stage: the stage.
        given: `Name=Value` or `name=Value`; these take precedence over the stage's file.
        root: the folder of the project.

    Raises:
        DeployError: a parameter is unknown, has no value or belongs to another stage.
    """
    declared = read_template(root)["Parameters"]
    values = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
    values |= {"Stage": stage}
    file = root / "stages" / f"{stage}.yaml"
    for source, found in ((f"stages/{stage}.yaml", _read(file)), ("PARAMETERS", _parse(given))):
        for name, value in found.items():
            if name not in declared:
                raise DeployError(f"{source}: template.yaml has no parameter {name}")
            if name == "Stage" and value != stage:
                raise DeployError(f"{source}: sets Stage to {value!r}, but the stack is that of {stage!r}")
            values[name] = value
    return values


def read_tags(root: Path = ROOT) -> dict[str, str]:
    """Return the tags of every stack, from `stages/tags.yaml`.

    Raises:
        DeployError: a tag is not a text, or contains a quote.
    """
    file = root / TAGS_FILE
    tags = (yaml.safe_load(file.read_text()) if file.exists() else None) or {}
    for name, value in tags.items():
        if not isinstance(value, str) or '"' in name + value:
            raise DeployError(f"{TAGS_FILE}: {name}: must be a text without quotes, got {value!r}")
    return dict(tags)


def _read(file: Path) -> dict[str, str]:
    """Return the parameters in the file of a stage; a stage needs none."""
    if not file.exists():
        return {}
    return {name: _text(value) for name, value in (yaml.safe_load(file.read_text()) or {}).items()}


def _text(value: Any) -> str:
    """Return a value of YAML as the text that CloudFormation expects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _parse(given: Iterable[str]) -> dict[str, str]:
    parsed = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z]\w*", name):
            raise DeployError(f"PARAMETERS: {each!r} is not Name=Value")
        parsed[name[0].upper() + name[1:]] = value
    return parsed
