"""template.yaml, and what it creates with given parameters.

A reference to a resource becomes the string `${Name}` or `${Name.Attribute}`, no matter whether the template
uses Ref, GetAtt, Sub or Join.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

NOTHING = object()
STAGE = "dev"
"""The value of Stage, the parameter without a default, unless it is given."""
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": NOTHING,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "${AWS::StackName}",
    "AWS::URLSuffix": "amazonaws.com",
}


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml, ten times as fast
    """YAML loader that reads CloudFormation's short tags in their long form."""


def _long_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        value = value.split(".", 1) if suffix == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _long_form)


def read_template(root: Path) -> dict[str, Any]:
    """Return the parsed template.yaml of a project."""
    parsed: dict[str, Any] = yaml.load((root / "template.yaml").read_text(), Loader)  # noqa: S506  # nosec B506  # a SafeLoader
    return parsed


class ResolvedTemplate:
    """What a template creates with given parameters."""

    def __init__(self, template: Mapping[str, Any], **parameters: Any) -> None:
        self._template = template
        self._conditions = template.get("Conditions", {})
        self._known = PSEUDO | {
            name: _typed(parameters.get(name, each.get("Default", STAGE)), each["Type"])
            for name, each in template["Parameters"].items()
        }

    @cached_property
    def broken_rules(self) -> list[str]:
        """The descriptions of the rules that the parameters break."""
        return [
            assertion["AssertDescription"]
            for rule in self._template.get("Rules", {}).values()
            if "RuleCondition" not in rule or self.holds(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.holds(assertion["Assert"])
        ]

    @cached_property
    def resources(self) -> dict[str, Any]:
        """The resources, by logical ID."""
        return self._existing(self._template["Resources"])

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The outputs, by name."""
        return self._existing(self._template["Outputs"])

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the properties of all resources of a type, by logical ID."""
        return {
            name: each.get("Properties", {})
            for name, each in self.resources.items()
            if each["Type"] == f"AWS::{kind}"
        }

    def _existing(self, section: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.resolve({key: value for key, value in each.items() if key != "Condition"})
            for name, each in section.items()
            if "Condition" not in each or self.holds(each["Condition"])
        }

    def holds(self, condition: Any) -> bool:
        """Return whether a condition holds, by its name or its definition."""
        if isinstance(condition, str):
            condition = self._conditions[condition]
        [(name, value)] = condition.items()
        if name == "Condition":
            return self.holds(value)
        if name == "Fn::Equals":
            first, second = (self.resolve(each) for each in value)
            return str(first) == str(second)
        held = [self.holds(each) for each in ([value] if isinstance(value, dict) else value)]
        return {"Fn::Not": not held[0], "Fn::Or": any(held), "Fn::And": all(held)}[name]

    def resolve(self, value: Any) -> Any:
        """Return a value of the template without parameters, conditions and functions."""
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return getattr(self, f"_{name.removeprefix('Fn::').lower()}")(argument)
        resolved = {name: self.resolve(each) for name, each in value.items()}
        return {name: each for name, each in resolved.items() if each is not NOTHING}

    def _ref(self, name: str) -> Any:
        return self._known.get(name, f"${{{name}}}")

    def _getatt(self, argument: Any) -> str:
        return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"

    def _if(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self.resolve(then if self.holds(condition) else otherwise)

    def _join(self, argument: Any) -> str:
        between, parts = argument
        return str(between).join(map(str, self.resolve(parts)))

    def _sub(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})
        names = {name: self.resolve(each) for name, each in own.items()} | self._known
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(names.get(found[1], found[0])), text)

    def _findinmap(self, argument: Any) -> Any:
        value: Any = self._template["Mappings"]
        for key in self.resolve(argument):
            value = value[key]
        return value

    def _select(self, argument: Any) -> Any:
        place, values = argument
        resolved = self.resolve(values)
        return resolved if isinstance(resolved, str) else resolved[int(place)]  # a reference stays whole

    def _split(self, argument: Any) -> list[str]:
        between, text = self.resolve(argument)
        return [text] if "${" in text else text.split(between)  # a reference stays whole

    def _getazs(self, _region: Any) -> list[str]:
        return ["zone-a", "zone-b", "zone-c"]

    def _cidr(self, argument: Any) -> list[str]:
        blocks, count, bits = self.resolve(argument)
        return [f"{blocks} {number} of {count}, {bits} bits" for number in range(int(count))]


def _typed(value: Any, kind: str) -> Any:
    if kind == "CommaDelimitedList":
        return value if isinstance(value, list) else str(value).split(",")
    return str(value)


def name_of(reference: str) -> str:
    """Return the logical ID in a reference such as `${Name.Arn}`.

    Raises:
        ValueError: the text is no reference.
    """
    found = re.fullmatch(r"\$\{(\w+)(\.\w+)*\}", reference)
    if not found:
        raise ValueError(f"{reference!r} refers to no resource")
    return found[1]
