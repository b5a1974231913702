"""Make moto's CloudFormation update stacks as AWS does.

* an update compares resources after conditions and parameters are resolved, so that a changed condition adds
  or removes resources, and a change set without changes fails
* updates and removals follow the order of dependencies; an update removes resources last
"""

import json
import re

from moto.cloudformation import models as stacks
from moto.cloudformation import parsing


class UnresolvedResource:
    """A placeholder for a resource while parameters and conditions are resolved."""

    def __init__(self, name):
        self.physical_resource_id = f"<{name}>"

    def get_cfn_attribute(self, attribute):
        return f"{self.physical_resource_id}.{attribute}"


class KnownValues(dict):
    """Parameters and pseudo parameters; any other name is an unresolved resource."""

    def __missing__(self, name):
        return UnresolvedResource(name)

    def get(self, name, default=None):
        return self[name]


def resolved_resources(resource_map):
    """Return the resources whose conditions hold, with parameters resolved."""
    known = KnownValues(resource_map.resolved_parameters)
    parsed = resource_map._parsed_resources
    known |= {name: value for name, value in parsed.items() if name.startswith("AWS::")}
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
    old, new = resolved_resources(self) if self._resource_json_map else {}, resolved_resources(planned)
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
    """Return the names that a resource refers to."""
    text = json.dumps(template)
    return set(re.findall(r'"(?:Ref|DependsOn)": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)', text))


def in_dependency_order(resources):
    """Return resource names in the order of dependencies."""
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
    """Update the stack: create and change resources in dependency order, then remove resources."""
    plan = self.build_resource_diff(template, parameters)
    before = self._resource_json_map
    removed = pop_removed(self, plan["Remove"])
    self._template, self._resource_json_map = template, template["Resources"]
    self.input_parameters = self.input_parameters if parameters is None else parameters
    self.load_parameters()
    self.load_conditions()
    replaced = set()
    for name in in_dependency_order(template["Resources"]):
        needed = {"".join(found) for found in references(template["Resources"][name])}
        is_there = self._parsed_resources.get(name) is not None
        if name in plan["Add"]:
            _ = self[name]
        elif is_there and (name in plan["Modify"] or needed & replaced):
            change(self, name, replaced)
    remove(self, removed, before)


def change(self, name, replaced):
    old = self._parsed_resources[name].physical_resource_id
    changed = parsing.parse_and_update_resource(
        name, self._resource_json_map[name], self, self._account_id, self._region_name
    )
    self._parsed_resources[name] = changed
    if changed.physical_resource_id != old:
        replaced.add(name)


def pop_removed(self, names):
    """Remove and return the resources that are not retained, in reverse dependency order."""
    templates = self._resource_json_map
    return {
        name: self._parsed_resources.pop(name)
        for name in reversed(in_dependency_order(templates))
        if name in names and not templates[name].get("DeletionPolicy", "Delete").startswith("Retain")
    }


def delete(self):
    existing = [name for name in self._resource_json_map if self._parsed_resources.get(name) is not None]
    remove(self, pop_removed(self, existing), self._resource_json_map)


def remove(self, removed, templates):
    """Delete resources, and retry failed ones until a round makes no progress."""
    while removed:
        error, left = None, dict(removed)
        for name, resource in left.items():
            try:
                self._delete_resource(resource, templates[name])
                del removed[name]
            except Exception as failed:  # noqa: BLE001  # may succeed in the next round
                error = failed
        if len(left) == len(removed):
            raise error


create_change_set = stacks.CloudFormationBackend.create_change_set


def create_change_set_or_fail(self, *args, **kwargs):
    change_set_id, stack_id = create_change_set(self, *args, **kwargs)
    change_set = self.change_sets[change_set_id]
    if change_set.change_set_type == "UPDATE" and not change_set.changes:
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.status_reason = (
            "The submitted information didn't contain changes. "
            "Submit different information to create a change set."
        )
    return change_set_id, stack_id


stacks.ResourceMap.update, stacks.ResourceMap.delete = update, delete
stacks.ResourceMap.build_resource_diff = build_resource_diff
stacks.ChangeSet.diff = changes
stacks.CloudFormationBackend.create_change_set = create_change_set_or_fail
