"""Faults of the kind that one makes, planted in a copy of the project one at a time: each is found."""

import json
import platform
import subprocess
from itertools import count
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError

from deploy import code_matches_template
from deploy.aws_emulator import Stack
from deploy.deployed_api import check_deployed_api
from deploy.project import NAME, TOOLS, Project
from deploy.resolve_template import ResolvedTemplate
from deploy.resource_connections import broken_connections
from deploy.sam_matches_serverless import differences, unexplained
from deploy.sam_matches_serverless_test import EVERYTHING, ISSUER

STAGES = count(1)
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"

FAULTS = yaml.safe_load((Path(__file__).parent / "planted_faults.yaml").read_text())


@pytest.mark.parametrize("planted", FAULTS, ids=lambda each: each["fault"])
def test_a_fault_is_found(planted, tmp_path, find):
    project = Project.copy(tmp_path / "news")
    file = project.folder / planted["file"]
    text = file.read_text()
    assert planted["replace"] in text
    file.write_text(text.replace(planted["replace"], planted["with"]))
    assert planted["says"] in "\n".join(find[planted["by"]](project))


@pytest.mark.parametrize("by", ["wiring", "use"])
def test_without_a_fault_nothing_is_found(by, project, find):
    """What parity, code and lint find has tests of its own."""
    assert find[by](project) == []


@pytest.fixture(scope="module")
def find(aws, surroundings, artefact, moto_url):
    """What each way of looking finds in a project."""

    def use(project):
        try:
            check_deployed_api(come_up(project, aws, artefact), surroundings, number=1, has_cache=True)
        except (AssertionError, ClientError) as error:
            return [str(error)]
        return []

    def wiring(project):
        try:
            return broken_connections(come_up(project, aws, artefact))
        except ClientError as error:
            return [str(error)]

    return {
        "parity": parity,
        "code": lambda project: list(code(project, moto_url)),
        "lint": lint,
        "wiring": wiring,
        "use": use,
    }


def parity(project):
    """Where the files differ with every parameter changed, and a cache, or else with none."""
    for parameters in (EVERYTHING | {"Cache": "true"}, {}):
        try:
            sls = project.sls(build=False, **parameters)
        except AssertionError as error:  # sls itself refuses it
            return [str(error)]
        if found := unexplained(differences(project.sam(**parameters), sls, **parameters)):
            return found
    return []


def code(project, endpoint):
    """Where the template is not as the code needs it."""
    sam = project.sam()
    resolved = ResolvedTemplate(sam, **ISSUER)
    yield from code_matches_template.routes(resolved)
    yield from code_matches_template.routes(
        ResolvedTemplate(sam, **ISSUER, AuthScopePrefix="news-api/"), "news-api/"
    )
    yield from code_matches_template.environment(resolved, code_matches_template.declared(sam))
    yield from code_matches_template.function(resolved)
    yield from code_matches_template.cors(ResolvedTemplate(sam, **EVERYTHING))
    yield from code_matches_template.table(resolved, endpoint)
    yield from code_matches_template.kept(ResolvedTemplate(sam, Stage="prod"))
    yield from code_matches_template.shown(resolved)
    yield from code_matches_template.permissions(resolved, endpoint)


def lint(project):
    """What cfn-lint says of the translated template."""
    file = project.folder / "translated.json"
    file.write_text(json.dumps(project.sam()))
    command = [TOOLS / "cfn-lint", file]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


@pytest.fixture(scope="module")
def artefact(aws, project):
    """Where the stand-in has the artefact: bucket and key."""
    project.run("make", "package", ARCH=ARCHITECTURE)
    place = {"S3Bucket": "artefacts", "S3Key": "news.zip"}
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artefacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.upload_file(str(project.folder / "build" / "news.zip"), "artefacts", "news.zip")
    return place


def come_up(project, aws, artefact):
    """The stack of a project, of the translated template and the same artefact, which spares time."""
    stage = f"f{next(STAGES)}"
    template = project.sam()
    for each in template["Resources"].values():
        if each["Type"] == "AWS::Lambda::Function":
            each["Properties"]["Code"] = artefact
    parameters = ISSUER | {"Stage": stage, "Architecture": ARCHITECTURE}
    aws.client("cloudformation").create_stack(
        StackName=f"{NAME}-{stage}",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )
    return Stack(aws, f"{NAME}-{stage}")
