"""Both tools read `stages/<stage>.yaml`, and `sls deploy` stops where `make deploy-sls` would."""

import json

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from deploy.project import NAME, REGION, SLS, TOOLS, Project
from deploy.sam_matches_serverless_test import NON_DEFAULT
from tools.deploy.parameters import read_parameters

ISSUER = "https://login.example.com/"
READ_BY_SAM = """
import json, tomllib
from samcli.cli.types import CfnParameterOverridesType
options = tomllib.load(open("samconfig.toml", "rb"))["default"]["deploy"]["parameters"]
print(json.dumps(CfnParameterOverridesType().convert(options["parameter_overrides"], None, None)))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project.copy(tmp_path_factory.mktemp("stages") / "news")


def write_stage(project, stage, parameters):
    (project.folder / "stages" / f"{stage}.yaml").write_text(yaml.safe_dump(parameters))


def defaults(template):
    return {name: each["Default"] for name, each in template["Parameters"].items() if "Default" in each}


def test_both_tools_read_every_parameter_from_the_file_of_the_stage(project):
    given = NON_DEFAULT | {"Stage": "dev"}
    write_stage(project, "dev", given)
    assert read_parameters("dev", [], project.folder) == given
    assert json.loads(project.run(TOOLS / "python", "-c", READ_BY_SAM)) == given
    assert defaults(project.sls(build=False)) == given


def test_a_parameter_of_the_command_takes_precedence(project):
    write_stage(project, "dev", {"Stage": "dev", "LogLevel": "ERROR", "Docs": "true"})
    read = defaults(project.sls(build=False, LogLevel="DEBUG"))
    assert (read["LogLevel"], read["Docs"]) == ("DEBUG", "true")
    assert read == {
        name: type(read[name])(value)
        for name, value in read_parameters("dev", ["LogLevel=DEBUG"], project.folder).items()
    }


def test_a_parameter_of_the_command_can_be_empty(project):
    """`--param` of sls accepts no empty value."""
    write_stage(
        project, "dev", {"Stage": "dev", "AuthIssuer": ISSUER, "Docs": True, "CorsOrigins": ["a", "b"]}
    )
    given = {"MAKEFLAGS": "e", "PACKAGE": "true", "PARAMETERS": "AuthIssuer= logLevel=DEBUG"}
    project.sls(build=False)  # creates an empty artifact
    project.run(SLS, "package", **given)
    compiled = project.folder / ".serverless" / "cloudformation-template-update-stack.json"
    read = defaults(json.loads(compiled.read_text()))
    assert (read["AuthIssuer"], read["LogLevel"]) == ("", "DEBUG")
    assert (read["Docs"], read["CorsOrigins"]) == ("true", "a,b")


def test_a_stage_needs_no_file(project):
    read = defaults(project.sls(build=False, Stage="other"))
    assert {name: str(value) for name, value in read.items()} == read_parameters("other", [], project.folder)


@pytest.fixture(scope="module")
def aws():
    """AWS with a stack of the stage dev that has an issuer."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    boto3.client("cloudformation", region_name=REGION, endpoint_url=url, **keys).create_stack(
        StackName=f"{NAME}-dev",
        TemplateBody=json.dumps(
            {
                "Parameters": {"AuthIssuer": {"Type": "String", "Default": ISSUER}},
                "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            }
        ),
    )
    yield url
    server.stop()


def deploy(project, url, *options, **env):
    """Run `sls deploy` without a build; return its error, since moto cannot deploy the stack."""
    build = {"MAKEFLAGS": "e", "PACKAGE": "true"}
    with pytest.raises(AssertionError) as failed:
        project.run(SLS, "deploy", *options, **build, AWS_ENDPOINT_URL=url, **env)
    return str(failed.value)


def test_sls_deploy_stops_before_it_removes_the_issuer(project, aws):
    write_stage(project, "dev", {"Stage": "dev"})
    stopped = f"this would remove the issuer {ISSUER} and all write routes"
    assert stopped in deploy(project, aws)
    assert stopped not in deploy(project, aws, ALLOW="drop-issuer")
    write_stage(project, "dev", {"Stage": "dev", "AuthIssuer": ISSUER, "AuthAudience": "news"})
    assert stopped not in deploy(project, aws)


def test_sls_deploy_of_prod_needs_a_confirmation(project, aws):
    stopped = "deploy prod with `make deploy-sls STAGE=prod`"
    assert stopped in deploy(project, aws, "--stage", "prod")
    assert stopped not in deploy(project, aws, "--stage", "prod", CONFIRM="prod")


def test_sam_deploys_prod_only_with_make(project):
    """SAM cannot ask, so samconfig.toml has only the stage dev."""
    assert "prod" not in (project.folder / "samconfig.toml").read_text().partition("[default")[2]


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-north-1"}, "eu-north-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, "us-west-2"),
        ({"AWS_PROFILE": "team"}, "eu-west-3"),
    ],
)
def test_sls_uses_the_region_of_the_environment_or_of_aws_configure(project, tmp_path, variables, region):
    config = tmp_path / "config"
    config.write_text("[default]\nregion = us-west-2\n[profile team]\nregion=eu-west-3\n")
    unset = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), "")
    script = "console.log(require('./tools/package/aws_region.js')({ options: {} }))"
    found = project.run("node", "-e", script, **unset | variables | {"AWS_CONFIG_FILE": str(config)})
    assert found.strip() == region


def test_sls_without_a_region_stops_with_one_line(project, tmp_path):
    unset = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), "")
    with pytest.raises(AssertionError, match="no region: run aws configure, or set AWS_REGION"):
        project.run(SLS, "package", **unset, AWS_CONFIG_FILE=str(tmp_path / "none"))
