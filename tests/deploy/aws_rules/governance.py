"""What an organization requires of every resource."""

from collections.abc import Iterator

from deploy.sam_matches_serverless_test import NON_DEFAULT
from deploy.schemas import read_schema
from tools.deploy.template import ResolvedTemplate


def boundaries(template) -> Iterator[str]:
    """Yield roles that PermissionsBoundaryArn does not limit, and roles that have a boundary without it."""
    boundary = NON_DEFAULT["PermissionsBoundaryArn"]
    for name, role in _roles(template, **NON_DEFAULT).items():
        if role.get("PermissionsBoundary") != boundary:
            yield f"{name}: has no permissions boundary"
    for name, role in _roles(template).items():
        if "PermissionsBoundary" in role:
            yield f"{name}: has a permissions boundary that nobody set"


def untagged(template) -> Iterator[str]:
    """Yield resources that support tags, and do not get those of the stack."""
    for name, resource in template["Resources"].items():
        schema = read_schema(resource["Type"])
        properties = {each for each in schema["properties"] if each.endswith("Tags") or each == "TagList"}
        gets_tags = schema.get("tagging", {}).get("taggable", False)
        if properties and not gets_tags and not properties & resource.get("Properties", {}).keys():
            yield f"{name}: {resource['Type']} does not get the tags of the stack"


def _roles(template, **parameters):
    return ResolvedTemplate(template, **parameters).of_type("IAM::Role")
