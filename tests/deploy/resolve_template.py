"""Resolve the parameters, conditions and functions of a CloudFormation template.

A reference to a resource becomes the string `${Name}` or `${Name.Attribute}`, no matter whether the template
uses Ref, GetAtt, Sub or Join.
"""

import re

NOTHING = object()
STAGE = "dev"
"""The value of Stage, the parameter without a default, unless a test names another."""
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": NOTHING,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "${AWS::StackName}",
    "AWS::URLSuffix": "amazonaws.com",
}


class ResolvedTemplate:
    """The resources and outputs that a template creates with given parameters.

    Attributes:
        broken_rules: the descriptions of the rules that the parameters break.
    """

    def __init__(self, template, **parameters):
        self._conditions = template.get("Conditions", {})
        self._known = PSEUDO | {
            name: _typed(
                parameters.get(name, each.get("Default", "dev")), each["Type"]
            )  # Stage has no default
            for name, each in template["Parameters"].items()
        }
        self.broken_rules = [
            assertion["AssertDescription"]
            for rule in template.get("Rules", {}).values()
            for assertion in rule["Assertions"]
            if not self._holds(assertion["Assert"])
        ]
        self.resources = self._existing(template["Resources"])
        self.outputs = self._existing(template["Outputs"])

    def of_type(self, kind):
        """Return the properties of all resources of a type, by logical ID."""
        return {
            name: each.get("Properties", {})
            for name, each in self.resources.items()
            if each["Type"] == f"AWS::{kind}"
        }

    def _existing(self, section):
        return {
            name: self._resolve({key: value for key, value in each.items() if key != "Condition"})
            for name, each in section.items()
            if "Condition" not in each or self._holds(each["Condition"])
        }

    def _holds(self, condition):
        if isinstance(condition, str):
            condition = self._conditions[condition]
        [(name, value)] = condition.items()
        if name == "Condition":
            return self._holds(value)
        if name == "Fn::Equals":
            first, second = (self._resolve(each) for each in value)
            return str(first) == str(second)
        held = [self._holds(each) for each in ([value] if isinstance(value, dict) else value)]
        return {"Fn::Not": not held[0], "Fn::Or": any(held), "Fn::And": all(held)}[name]

    def _resolve(self, value):
        if isinstance(value, list):
            return [each for each in map(self._resolve, value) if each is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return getattr(self, f"_{name.removeprefix('Fn::').lower()}")(argument)
        resolved = {name: self._resolve(each) for name, each in value.items()}
        return {name: each for name, each in resolved.items() if each is not NOTHING}

    def _ref(self, name):
        return self._known.get(name, f"${{{name}}}")

    def _getatt(self, argument):
        return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"

    def _if(self, argument):
        condition, then, otherwise = argument
        return self._resolve(then if self._holds(condition) else otherwise)

    def _join(self, argument):
        between, parts = argument
        return between.join(map(str, self._resolve(parts)))

    def _sub(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})
        names = {name: self._resolve(each) for name, each in own.items()} | self._known
        return re.sub(r"\$\{([\w:.]+)\}", lambda found: str(names.get(found[1], found[0])), text)

    def _select(self, argument):
        place, values = argument
        return self._resolve(values)[int(place)]

    def _split(self, argument):
        between, text = self._resolve(argument)
        return [text] if "${" in text else text.split(between)  # a reference stays whole

    def _getazs(self, _region):
        return ["zone-a", "zone-b", "zone-c"]


def _typed(value, kind):
    if kind == "CommaDelimitedList":
        return value if isinstance(value, list) else str(value).split(",")
    return str(value)


def name_of(reference):
    """Return the logical ID in a reference such as `${Name.Arn}`."""
    return re.fullmatch(r"\$\{(\w+)(\.\w+)*\}", reference)[1]
