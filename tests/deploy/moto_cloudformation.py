"""CloudFormation as the stand-in does it, made to update stacks as AWS does. Imported by `moto_server.py` alone.

* defaults of parameters are taken as given ones are: split into a list, made a number, and checked
* what an update changes is told from the resources after their conditions and parameters, so that a condition
  that turns adds or removes its resources, and a change set without changes fails as AWS's does
* an update goes in the order of dependencies, with removals last; so does a removal
"""

import json
import re

from moto.cloudformation import models as stacks
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError

# ---------------------------------------------------------------- parameters
load_parameters = stacks.ResourceMap.load_parameters


def load_all_parameters(self):
    slots = self._template.get("Parameters", {})
    given = self.input_parameters
    if not self._template:  # a stack that has only a change set as yet
        return
    texts = {name: each["Default"] for name, each in slots.items() if "Default" in each} | given
    texts = {name: ",".join(each) if isinstance(each, list) else str(each) for name, each in texts.items()}
    for name, text in texts.items():
        check_parameter(name, text, slots.get(name))
    self.input_parameters = texts
    load_parameters(self)
    self.input_parameters = given


def check_parameter(name, text, slot):
    if slot is None:
        raise ValidationError(name, f"Parameters: [{name}] do not exist in the template")
    is_wrong = (
        text not in map(str, slot.get("AllowedValues", [text]))
        or not re.fullmatch(slot.get("AllowedPattern", ".*"), text, re.DOTALL)
        or (slot["Type"] == "Number" and float(text) < float(slot.get("MinValue", text)))
        or (slot["Type"] == "Number" and float(text) > float(slot.get("MaxValue", text)))
    )
    if is_wrong:
        raise ValidationError(name, f"Parameter {name} can't be {text!r}")


stacks.ResourceMap.load_parameters = load_all_parameters


# ---------------------------------------------------------------- templates
clean_json = parsing.clean_json


def clean_json_with_dots(given, resources):
    """Without what is AWS::NoValue in a list, and with `${Cache.Endpoint.Address}`, which moto cuts short."""
    if isinstance(given, list):
        return [each for each in clean_json(given, resources) if each is not None]
    attribute = given.get("Fn::GetAtt") if isinstance(given, dict) else None
    if isinstance(attribute, list) and len(attribute) > 2:
        given = {"Fn::GetAtt": [attribute[0], ".".join(attribute[1:])]}
    return clean_json(given, resources)


parsing.clean_json = stacks.clean_json = clean_json_with_dots
stacks.Stack.stack_resources = property(  # moto lists those whose condition is false too
    lambda self: [each for each in self.resource_map.values() if each is not None]
)


# ---------------------------------------------------------------- what an update changes
class Named:
    """A resource that is only named, in a template whose parameters and conditions are being worked out."""

    def __init__(self, name):
        self.physical_resource_id = f"<{name}>"

    def get_cfn_attribute(self, attribute):
        return f"{self.physical_resource_id}.{attribute}"


class Known(dict):
    """Parameters and pseudo parameters; whatever else is asked for is a resource."""

    def __missing__(self, name):
        return Named(name)

    def get(self, name, default=None):
        return self[name]


def effective(resource_map):
    """The resources that there are with these parameters, as they are with them."""
    known = Known(resource_map.resolved_parameters)
    known |= {k: v for k, v in resource_map._parsed_resources.items() if k.startswith("AWS::")}
    known = Known(known)
    known.lazy_condition_map = resource_map.lazy_condition_map
    return {
        name: parsing.clean_json(each, known)
        for name, each in resource_map._resource_json_map.items()
        if "Condition" not in each or resource_map.lazy_condition_map[each["Condition"]]
    }


def build_resource_diff(self, other_template, parameters=None):
    planned = stacks.ResourceMap(
        self.stack_id,
        self["AWS::StackName"],
        self.input_parameters if parameters is None else parameters,
        {},
        self._region_name,
        self._account_id,
        other_template,
        None,
    )
    planned.load_parameters()
    planned.load_conditions()
    old, new = effective(self) if self._resource_json_map else {}, effective(planned)
    for name in set(new) - set(old):
        if self._parsed_resources.get(name, self) is None:  # its condition was false
            del self._parsed_resources[name]
    return {
        "Add": [name for name in new if name not in old],
        "Modify": [name for name in new if name in old and new[name] != old[name]],
        "Remove": [name for name in old if name not in new],
    }


def changes(self):
    planned = self.stack.resource_map.build_resource_diff(self.template_dict, self.parameters)
    types = {**self.stack.resource_map._resource_json_map, **self.template_dict["Resources"]}
    return [
        stacks.Change(action=action, logical_resource_id=name, resource_type=types[name]["Type"])
        for action, names in planned.items()
        for name in names
    ]


def references(template):
    """Names of what a resource refers to, as far as they are resources."""
    text = json.dumps(template)
    return set(re.findall(r'"(?:Ref|DependsOn)": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)', text))


def in_order(resources):
    """Names of resources, each after those that it refers to."""
    done = {}

    def visit(name):
        if name in resources and name not in done:
            done[name] = None
            for found in references(resources[name]):
                visit("".join(found))
            done[name] = done.pop(name)

    for name in resources:
        visit(name)
    return list(done)


def update(self, template, parameters=None):
    """As CloudFormation does it: what is new or changed in the order of dependencies, then what goes."""
    plan = self.build_resource_diff(template, parameters)
    before = self._resource_json_map
    going = take_out(self, plan["Remove"])
    self._template, self._resource_json_map = template, template["Resources"]
    self.input_parameters = self.input_parameters if parameters is None else parameters
    self.load_parameters()
    self.load_conditions()
    replaced = set()
    for name in in_order(template["Resources"]):
        needed = {"".join(found) for found in references(template["Resources"][name])}
        is_there = self._parsed_resources.get(name) is not None
        if name in plan["Add"]:
            _ = self[name]
        elif is_there and (name in plan["Modify"] or needed & replaced):
            change(self, name, replaced)
    remove(self, going, before)


def change(self, name, replaced):
    old = self._parsed_resources[name].physical_resource_id
    changed = parsing.parse_and_update_resource(
        name, self._resource_json_map[name], self, self._account_id, self._region_name
    )
    self._parsed_resources[name] = changed
    if changed.physical_resource_id != old:
        replaced.add(name)


def take_out(self, names):
    """Those of the resources that are not retained, each before what it refers to."""
    templates = self._resource_json_map
    return {
        name: self._parsed_resources.pop(name)
        for name in reversed(in_order(templates))
        if name in names and templates[name].get("DeletionPolicy") != "Retain"
    }


def delete(self):
    there = [name for name in self._resource_json_map if self._parsed_resources.get(name) is not None]
    remove(self, take_out(self, there), self._resource_json_map)


def remove(self, going, templates):
    """In as many rounds as it takes, since what is depended on can't go first."""
    while going:
        error, left = None, dict(going)
        for name, resource in left.items():
            try:
                self._delete_resource(resource, templates[name])
                del going[name]
            except Exception as failed:  # noqa: BLE001  # whatever it is, it may work in the next round
                error = failed
        if len(left) == len(going):
            raise error


create_change_set = stacks.CloudFormationBackend.create_change_set


def create_change_set_or_none(self, *args, **kwargs):
    change_set_id, stack_id = create_change_set(self, *args, **kwargs)
    made = self.change_sets[change_set_id]
    if made.change_set_type == "UPDATE" and not made.changes:
        made.status, made.execution_status = "FAILED", "UNAVAILABLE"
        made.status_reason = (
            "The submitted information didn't contain changes. "
            "Submit different information to create a change set."
        )
    return change_set_id, stack_id


stacks.ResourceMap.update, stacks.ResourceMap.delete = update, delete
stacks.ResourceMap.build_resource_diff = build_resource_diff
stacks.ChangeSet.diff = changes
stacks.CloudFormationBackend.create_change_set = create_change_set_or_none
