"""What both tools make passes the linters; exceptions are in the templates, each with its reason."""

import json

import pytest
import yaml

from deploy.project import CHECKOV, TOOLS, Loader
from deploy.sam_matches_serverless import differences
from deploy.sam_matches_serverless_test import EVERYTHING
from tools.package.sources import modules


def test_sam_finds_the_template_valid(project):
    assert "is a valid SAM Template" in project.run(TOOLS / "sam", "validate", "--lint")


@pytest.fixture(scope="module")
def made(project):
    """The templates that CloudFormation gets."""
    files = {}
    for name, template in {
        "sam": project.sam(),
        "sls": project.sls(build=False),
        "sls, everything": project.sls(build=False, **EVERYTHING),
    }.items():
        files[name] = project.folder / f"{name}.json"
        files[name].write_text(json.dumps(template, indent=1))
    return files


def test_cfn_lint_finds_nothing(project, made):
    assert project.run(TOOLS / "cfn-lint", *made.values()) == ""


def test_checkov_finds_nothing(project, made):
    files = [option for file in made.values() for option in ("--file", file)]
    options = ("--framework", "cloudformation", "--skip-download", "--soft-fail", "--output", "json")
    results = json.loads(project.run(CHECKOV, *files, *options))["results"]
    assert len(results["passed_checks"]) > 40
    assert [(each["check_id"], each["resource"]) for each in results["failed_checks"]] == []
    reasons = [each["check_result"]["suppress_comment"] for each in results["skipped_checks"]]
    assert all(reasons)


def test_sam_build_leaves_what_the_template_says(project):
    project.run(TOOLS / "sam", "build", PACKAGE="true", MAKEFLAGS="e")
    built = project.folder / ".aws-sam" / "build" / "template.yaml"
    folders = {
        name: each["Properties"]["CodeUri"]
        for name, each in yaml.load(built.read_text(), Loader)["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }
    functions = [f"{module.capitalize()}Function" for module in modules()]
    assert folders == dict(zip(functions, functions, strict=True))
    changed = differences(project.sam(built), project.sam())
    assert [each for each in changed if "Metadata" not in each] == []
