"""Make moto's CloudFormation read parameters and templates as AWS does.

* parameter defaults are converted and validated like given values
* AWS::NoValue is dropped from lists, and attributes may be nested
* a resource whose condition is false does not exist
"""

import re

from moto.cloudformation import models as stacks
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

# ---------------------------------------------------------------- parameters
load_parameters = stacks.ResourceMap.load_parameters


def load_all_parameters(self):
    declarations = self._template.get("Parameters", {})
    given = self.input_parameters
    if not self._template:  # the stack has only a change set so far
        return
    texts = {name: each["Default"] for name, each in declarations.items() if "Default" in each} | given
    texts = {name: ",".join(each) if isinstance(each, list) else str(each) for name, each in texts.items()}
    for name, text in texts.items():
        check_parameter(name, text, declarations.get(name))
    self.input_parameters = texts
    load_parameters(self)
    self.input_parameters = given


def check_parameter(name, text, declaration):
    if declaration is None:
        raise ValidationError(name, f"Parameters: [{name}] do not exist in the template")
    is_wrong = (
        text not in map(str, declaration.get("AllowedValues", [text]))
        or not re.fullmatch(declaration.get("AllowedPattern", ".*"), text, re.DOTALL)
        or (declaration["Type"] == "Number" and float(text) < float(declaration.get("MinValue", text)))
        or (declaration["Type"] == "Number" and float(text) > float(declaration.get("MaxValue", text)))
    )
    if is_wrong:
        raise ValidationError(name, f"Parameter {name} can't be {text!r}")


stacks.ResourceMap.load_parameters = load_all_parameters


# ---------------------------------------------------------------- templates
clean_json = parsing.clean_json


def clean_json_with_dots(given, resources):
    """Drop AWS::NoValue from lists, and resolve nested attributes such as `Cache.Endpoint.Address`."""
    if isinstance(given, list):
        return [each for each in clean_json(given, resources) if each is not None]
    attribute = given.get("Fn::GetAtt") if isinstance(given, dict) else None
    if isinstance(attribute, list) and len(attribute) > 2:
        given = {"Fn::GetAtt": [attribute[0], ".".join(attribute[1:])]}
    return clean_json(given, resources)


parsing.clean_json = stacks.clean_json = clean_json_with_dots
stacks.Stack.stack_resources = property(  # moto also lists resources whose condition is false
    lambda self: [each for each in self.resource_map.values() if each is not None]
)
