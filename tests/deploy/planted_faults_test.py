"""Each typical mistake of planted_faults.yaml, planted in a copy of the project, is detected."""

import json
import platform
import subprocess
from itertools import count
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError

from deploy import aws_rules, code_matches_template
from deploy.network_parameters import DOMAIN, IPV6, NAT, PARAMETER, SECRET
from deploy.project import NAME, TOOLS, Project
from deploy.sam_matches_serverless import differences, unexpected
from deploy.sam_matches_serverless_test import ISSUER, NON_DEFAULT
from deploy.stand_in.aws import Stack
from deploy.stand_in.deployed_api import check_deployed_api
from deploy.stand_in.resource_connections import broken_connections
from tools.deploy.template import ResolvedTemplate
from tools.package.python import runtime_version

STAGES = count(1)
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"

NEEDED = {
    "code": ["moto_url"],
    "connections": ["aws", "artifact"],
    "api": ["aws", "artifact", "lambda_environment"],
}
"""Fixtures of the detectors; `aws` skips a test where there is no stand-in for AWS."""

FAULTS = yaml.safe_load((Path(__file__).parent / "planted_faults.yaml").read_text())


@pytest.mark.parametrize("planted", FAULTS, ids=lambda each: each["fault"])
def test_planted_fault_is_detected(planted, tmp_path, detect):
    project = Project.copy(tmp_path / "news")
    file = project.folder / planted["file"]
    text = file.read_text()
    assert planted["replace"] in text
    file.write_text(text.replace(planted["replace"], planted["with"]))
    assert planted["message"] in "\n".join(detect(planted["by"], project, **planted.get("parameters", {})))


@pytest.mark.parametrize(
    ("by", "parameters"),
    [("connections", {}), ("connections", IPV6), ("connections", NAT), ("api", {})],
    ids=["connections", "connections-ipv6", "connections-nat", "api"],
)
def test_nothing_is_detected_without_a_fault(by, parameters, project, detect):
    """The other detectors have test files of their own."""
    assert detect(by, project, **parameters) == []


@pytest.fixture
def detect(request):
    """Return a function from a detector's name and a project to messages."""
    detectors = {
        "comparison": comparison,
        "code": code,
        "aws": aws_rules.messages,
        "lint": lint,
        "connections": connections,
        "api": api,
    }

    def run(name, project, **parameters):
        fixtures = (request.getfixturevalue(each) for each in NEEDED.get(name, ()))
        return list(detectors[name](project, *fixtures, **parameters))

    return run


def api(project, aws, artifact, lambda_environment):
    """Return the first error of a client of the deployed API."""
    try:
        stack = create_stack(project, aws, artifact)
        check_deployed_api(stack, lambda_environment, number=1, has_cache=True)
    except (AssertionError, ClientError) as error:
        return [str(error)]
    return []


def connections(project, aws, artifact, **parameters):
    """Return the broken connections of the deployed stack."""
    try:
        return broken_connections(create_stack(project, aws, artifact, **parameters))
    except ClientError as error:
        return [str(error)]


def comparison(project):
    """Return the differences between SAM and sls, with non-default parameters or else with defaults."""
    for parameters in (NON_DEFAULT | {"Cache": "true"}, {}):
        try:
            sls = project.sls(build=False, **parameters)
        except AssertionError as error:  # sls rejects the file
            return [str(error)]
        if found := unexpected(differences(project.sam(**parameters), sls, **parameters)):
            return found
    return []


def code(project, endpoint):
    """Yield the contradictions between the template and the code."""
    sam = project.sam()
    resolved = ResolvedTemplate(sam, **ISSUER)
    yield from code_matches_template.routes(resolved)
    yield from code_matches_template.routes(
        ResolvedTemplate(sam, **ISSUER, AuthScopePrefix="news-api/"), "news-api/"
    )
    yield from code_matches_template.environment(resolved, code_matches_template.declared(sam))
    yield from code_matches_template.base_path(ResolvedTemplate(sam, **DOMAIN, BasePath="v1"))
    for parameters in (SECRET, PARAMETER):
        yield from code_matches_template.references(ResolvedTemplate(sam, **parameters))
    yield from code_matches_template.function(resolved)
    yield from code_matches_template.cors(ResolvedTemplate(sam, **NON_DEFAULT))
    yield from code_matches_template.table(resolved, endpoint)
    yield from code_matches_template.data_protection(ResolvedTemplate(sam, Stage="prod"))
    yield from code_matches_template.dashboard(resolved)
    yield from code_matches_template.permissions(resolved, endpoint)


def lint(project):
    """Return the output of cfn-lint for the translated template."""
    file = project.folder / "translated.json"
    file.write_text(json.dumps(project.sam()))
    command = [TOOLS / "cfn-lint", file]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


@pytest.fixture(scope="module")
def artifact(aws, project):
    """Build and upload the artifact; return its bucket and key on the emulator."""
    project.run("make", "package", ARCH=ARCHITECTURE)
    location = {"S3Bucket": "artifacts", "S3Key": "news.zip"}
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.upload_file(str(project.folder / "build" / "news.zip"), "artifacts", "news.zip")
    return location


def create_stack(project, aws, artifact, **parameters):
    """Deploy the translated template of a project; all stacks share one artifact, to save time."""
    stage = f"f{next(STAGES)}"
    template = project.sam()
    for each in template["Resources"].values():
        if each["Type"] == "AWS::Lambda::Function":
            each["Properties"]["Code"] = artifact
    build = {"Architecture": ARCHITECTURE, "Runtime": f"python{runtime_version()}"}
    parameters = parameters | ISSUER | build | {"Stage": stage}
    aws.client("cloudformation").create_stack(
        StackName=f"{NAME}-{stage}",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    )
    return Stack(aws, f"{NAME}-{stage}")
