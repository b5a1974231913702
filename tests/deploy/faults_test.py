"""Faults of the kind that one makes, planted in a copy of the project one at a time: each is found."""

import json
import platform
import subprocess
from itertools import count
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError

from deploy import agreement
from deploy.aws import Stack
from deploy.parity import differences, unexplained
from deploy.parity_test import EVERYTHING, ISSUER
from deploy.project import NAME, TOOLS, Project
from deploy.resolving import Resolved
from deploy.using import works
from deploy.wiring import loose_ends

STAGES = count(1)
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"

FAULTS = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text())


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
            works(come_up(project, aws, artefact), surroundings, number=1, has_cache=True)
        except (AssertionError, ClientError) as error:
            return [str(error)]
        return []

    def wiring(project):
        try:
            return loose_ends(come_up(project, aws, artefact))
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
    resolved = Resolved(sam, **ISSUER)
    yield from agreement.routes(resolved)
    yield from agreement.routes(Resolved(sam, **ISSUER, AuthScopePrefix="news-api/"), "news-api/")
    yield from agreement.environment(resolved, agreement.declared(sam))
    yield from agreement.function(resolved)
    yield from agreement.cors(Resolved(sam, **EVERYTHING))
    yield from agreement.table(resolved, endpoint)
    yield from agreement.kept(Resolved(sam, Stage="prod"))
    yield from agreement.shown(resolved)
    yield from agreement.permissions(resolved, endpoint)


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
