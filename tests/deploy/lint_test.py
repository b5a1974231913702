"""SAM and cfn-lint accept both templates; the exceptions stand in the templates, each with its reason."""

import json

import pytest
import yaml

from deploy.project import TOOLS
from deploy.sam_matches_serverless import differences
from deploy.sam_matches_serverless_test import NON_DEFAULT
from tools.deploy.template import Loader
from tools.package.sources import list_modules


def test_sam_validates_the_template(project):
    assert "is a valid SAM Template" in project.run(TOOLS / "sam", "validate", "--lint")


@pytest.fixture(scope="module")
def compiled_templates(project):
    """Return the files of the templates that CloudFormation receives."""
    files = {}
    for name, template in {
        "sam": project.sam(),
        "sls": project.sls(build=False),
        "sls, non-default": project.sls(build=False, **NON_DEFAULT),
    }.items():
        files[name] = project.folder / f"{name}.json"
        files[name].write_text(json.dumps(template, indent=1))
    return files


def test_cfn_lint_reports_nothing(project, compiled_templates):
    assert project.run(TOOLS / "cfn-lint", *compiled_templates.values()) == ""


def test_sam_build_changes_only_the_code_locations(project):
    project.run(TOOLS / "sam", "build", PACKAGE="true", MAKEFLAGS="e")
    built = project.folder / ".aws-sam" / "build" / "template.yaml"
    folders = {
        name: each["Properties"]["CodeUri"]
        for name, each in yaml.load(built.read_text(), Loader)["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }
    functions = [f"{module.capitalize()}Function" for module in list_modules()]
    assert folders == dict(zip(functions, functions, strict=True))
    changed = differences(project.sam(built), project.sam())
    assert [each for each in changed if "Metadata" not in each] == []
