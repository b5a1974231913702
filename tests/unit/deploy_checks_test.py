"""`make deploy-sam` and `make deploy-sls`: the checks of a deployment, with moto as AWS and fake tools."""

import json
import os
import pty
import shutil
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from support.environment import ROOT
from tools.deploy import run
from tools.deploy.parameters import read_parameters
from tools.deploy.stack import stack_name

REGION = "eu-central-1"
ISSUER = "https://login.example.com/"
IN_NETWORK = {"SubnetIds": [{"Ref": "Subnet"}], "SecurityGroupIds": [{"Ref": "Group"}]}
FUNCTION = {
    "Handler": "functions.news.handler",
    "Runtime": "python3.13",
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Code": {"ZipFile": "pass"},
}
RESOURCES = {
    "Role": ("IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}),
    "Vpc": ("EC2::VPC", {"CidrBlock": "10.0.0.0/16"}),
    "Subnet": ("EC2::Subnet", {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}),
    "Group": ("EC2::SecurityGroup", {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "functions"}),
    "Function": ("Lambda::Function", FUNCTION | {"VpcConfig": IN_NETWORK}),
}


@pytest.fixture(scope="module")
def aws():
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def project(tmp_path, monkeypatch, aws):
    """The files of a deployment, and tools that write down how they were called."""
    for name in ("template.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    (tmp_path / "bin").mkdir()
    for name in ("make", "npx", "sam"):
        program = tmp_path / "bin" / name
        program.write_text(
            f'#!/bin/sh\necho "$CONFIRM $AWS_REGION $AWS_DEFAULT_REGION" {name} "$@" >>\'{tmp_path}/calls\'\n'
        )
        program.chmod(0o755)
    for name in ("ALLOW", "ARCH", "AWS_DEFAULT_REGION", "AWS_PROFILE", "CONFIRM", "PARAMETERS", "STAGE"):
        monkeypatch.delenv(name, raising=False)
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    paths = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "PATH": str(tmp_path / "bin")}
    for name, value in (keys | paths | {"AWS_ENDPOINT_URL": aws, "AWS_REGION": REGION}).items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def stack(project, aws):
    """Return a function that creates the stack of the stage dev, with parameters and a function in a VPC."""
    client = boto3.client("cloudformation", region_name=REGION)

    def create(stage="dev", **parameters):
        template = {
            "Parameters": {name: {"Type": "String", "Default": value} for name, value in parameters.items()},
            "Resources": {
                name: {"Type": f"AWS::{kind}", "Properties": properties}
                for name, (kind, properties) in RESOURCES.items()
            },
        }
        names.append(stack_name(stage, project))
        client.create_stack(StackName=names[-1], TemplateBody=json.dumps(template))

    names = []
    yield create
    for name in names:
        client.delete_stack(StackName=name)


def calls(project):
    file = project / "calls"
    return file.read_text().splitlines() if file.exists() else []


def refusal(project, tool="sam"):
    """Return the one line with which a deployment stops before its tool starts."""
    with pytest.raises(SystemExit) as stopped:
        run.main([tool], project)
    assert calls(project) == []
    assert "\n" not in stopped.value.code
    return stopped.value.code


def test_sam_gets_every_parameter_and_the_stack_of_the_stage(project, monkeypatch):
    (project / "stages" / "test.yaml").write_text(
        "Cache: false\nCorsOrigins: [https://a.example, https://b.example]\n"
    )
    monkeypatch.setenv("STAGE", "test")
    monkeypatch.setenv("PARAMETERS", "LogLevel=DEBUG authIssuer=https://it's.example/ AuthAudience=news")
    run.main(["sam"], project)
    assert calls(project) == [
        f"test {REGION} {REGION} sam build",
        f"test {REGION} {REGION} sam deploy --stack-name news-test --parameter-overrides file://.aws-sam/parameters-test.yaml",
    ]
    sent = yaml.safe_load((project / ".aws-sam" / "parameters-test.yaml").read_text())
    assert sent == read_parameters(
        "test", ["LogLevel=DEBUG", "AuthIssuer=https://it's.example/", "AuthAudience=news"], project
    )
    assert (sent["Stage"], sent["Cache"], sent["LogLevel"]) == ("test", "false", "DEBUG")
    assert sent["CorsOrigins"] == "https://a.example,https://b.example"
    assert sent["AlarmEmail"] == ""


def test_sls_gets_the_parameters_of_the_command(project, monkeypatch):
    monkeypatch.setenv("ARCH", "x86_64")
    monkeypatch.setenv("PARAMETERS", "Cache=false logLevel=DEBUG")
    (project / "bin" / "npx").write_text(f'#!/bin/sh\necho "$PARAMETERS" "$@" >>\'{project}/calls\'\n')
    run.main(["sls"], project)
    given = "Cache=false logLevel=DEBUG Architecture=x86_64"
    assert calls(project) == [f"{given} --no-install sls deploy --stage dev"]


def test_functions_are_built_for_the_architecture_of_the_stage(project):
    (project / "stages" / "dev.yaml").write_text("Architecture: x86_64\n")
    (project / "bin" / "sam").write_text(f"#!/bin/sh\necho \"$ARCH\" >>'{project}/calls'\n")
    run.main(["sam"], project)
    assert calls(project) == ["x86_64", "x86_64"]


def test_the_code_of_a_failed_tool_is_the_code_of_the_deployment(project):
    (project / "bin" / "sam").write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(SystemExit) as stopped:
        run.main(["sam"], project)
    assert stopped.value.code == 3


@pytest.mark.parametrize("tool", ["sam", "sls"])
def test_a_deployment_without_the_deployed_issuer_stops(project, stack, monkeypatch, tool):
    stack(AuthIssuer=ISSUER, Cache="true")
    line = refusal(project, tool)
    assert line.startswith(
        f"deploy: this would remove the issuer {ISSUER} and all write routes: set AuthIssuer"
    )
    monkeypatch.setenv("ALLOW", "drop-issuer")
    run.main([tool], project)
    assert calls(project) != []


def test_a_deployment_with_the_issuer_of_the_stage_file_prints_changes_and_starts(project, stack, capsys):
    stack(AuthIssuer="https://old.example/", Cache="true")
    (project / "stages" / "dev.yaml").write_text(f"Stage: dev\nAuthIssuer: {ISSUER}\nAuthAudience: news\n")
    run.main(["sam"], project)
    assert capsys.readouterr().out == f"deploy: AuthIssuer: 'https://old.example/' -> '{ISSUER}'\n"
    assert len(calls(project)) == 2


def test_a_deployment_that_deletes_a_network_in_use_stops(project, stack, monkeypatch):
    stack(AuthIssuer="", Cache="true")
    monkeypatch.setenv("PARAMETERS", "Cache=bypass")
    run.main(["sam"], project)
    (project / "calls").unlink()
    monkeypatch.setenv("PARAMETERS", "Cache=false")
    assert ":$LATEST use the network that Cache=false deletes: deploy Cache=bypass" in refusal(project)
    monkeypatch.setenv("ALLOW", "drop-issuer drop-network")
    run.main(["sam"], project)


def test_prod_is_deployed_only_after_a_confirmation(project, monkeypatch):
    monkeypatch.setenv("STAGE", "prod")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert refusal(project) == "deploy: nobody can confirm the stage prod here: set CONFIRM=prod"
    monkeypatch.setenv("CONFIRM", "prod")
    run.main(["sam"], project)
    assert calls(project)[0] == f"prod {REGION} {REGION} sam build"


@pytest.mark.parametrize(("answer", "is_deployed"), [("prod", True), ("yes", False)])
def test_the_confirmation_is_the_name_of_the_stage(project, monkeypatch, answer, is_deployed):
    monkeypatch.setenv("STAGE", "prod")
    terminal, side = pty.openpty()
    os.write(terminal, f"{answer}\n".encode())
    with os.fdopen(side) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        if is_deployed:
            run.main(["sam"], project)
        else:
            assert refusal(project) == "deploy: not confirmed, nothing was deployed"
    os.close(terminal)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("Caches=false", "deploy: PARAMETERS: template.yaml has no parameter Caches"),
        ("Cache", "deploy: PARAMETERS: 'Cache' is not Name=Value"),
        ("AuthIssuer=https://login.example.com/", "deploy: Set both AuthIssuer and AuthAudience, or none"),
        ("Stage=prod", "deploy: PARAMETERS: sets Stage to 'prod', but the stack is that of 'dev'"),
    ],
)
def test_a_wrong_parameter_stops_with_one_line(project, monkeypatch, given, line):
    monkeypatch.setenv("PARAMETERS", given)
    assert refusal(project) == line


def test_a_missing_program_stops_with_one_line(project):
    (project / "bin" / "npx").unlink()
    assert refusal(project, "sls").startswith("deploy: npx is missing: see Prerequisites in docs/")


def test_a_missing_region_stops_with_one_line(project, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    assert refusal(project) == "deploy: no region: run aws configure, or set AWS_REGION"


def test_the_region_of_aws_configure_is_used(project, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    (project / "config").write_text("[default]\nregion = us-west-2\n")
    run.main(["sam"], project)
    assert calls(project)[0] == "dev us-west-2 us-west-2 sam build"


def test_an_unreachable_aws_stops_with_one_line(project, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert refusal(project).startswith("deploy: Could not connect to the endpoint URL")


@pytest.mark.parametrize("file", sorted((ROOT / "stages").glob("*.yaml")), ids=lambda each: each.stem)
def test_the_file_of_a_stage_names_its_stage_and_only_texts(file):
    """SAM would write a boolean as `False`, which no parameter accepts."""
    parameters = yaml.safe_load(file.read_text())
    assert parameters["Stage"] == file.stem
    assert {type(value) for value in parameters.values()} == {str}
    assert read_parameters(file.stem, [])["Stage"] == file.stem
