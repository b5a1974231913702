"""`make deploy-sam` and `make deploy-sls`: the checks of a deployment, with moto as AWS and fake tools."""

import pytest
import yaml

from support.deploy_harness import REGION, calls, overrides, refusal
from support.environment import ROOT
from tools.deploy import run
from tools.deploy.parameters import TAGS_FILE, read_parameters

ISSUER = "https://login.example.com/"


def test_sam_gets_every_parameter_and_the_stack_of_the_stage(project, monkeypatch):
    (project / "stages" / "test.yaml").write_text(
        "Cache: false\nCorsOrigins: [https://a.example, https://b.example]\n"
    )
    monkeypatch.setenv("STAGE", "test")
    monkeypatch.setenv("PARAMETERS", "LogLevel=DEBUG authIssuer=https://it's.example/ AuthAudience=news")
    run.main(["sam"], project)
    assert calls(project) == [
        f"test {REGION} {REGION} sam build {overrides('test')}",
        (
            f"test {REGION} {REGION} sam deploy --stack-name news-test --s3-prefix news-test "
            f"{overrides('test')}"
        ),
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
    assert calls(project)[0] == f"dev us-west-2 us-west-2 sam build {overrides('dev')}"


def test_sam_gets_the_tags_of_the_project(project):
    (project / TAGS_FILE).write_text("Team: news and more\nCostCenter: '4711'\n")
    run.main(["sam"], project)
    assert ' --tags "Team"="news and more" "CostCenter"="4711" ' in calls(project)[1]


@pytest.mark.parametrize("tags", ["CostCenter: 4711\n", 'Team: say "news"\n'])
def test_a_tag_that_is_not_a_text_stops_with_one_line(project, tags):
    (project / TAGS_FILE).write_text(tags)
    assert refusal(project).startswith(f"deploy: {TAGS_FILE}: {tags.partition(':')[0]}: must be a text")


def test_an_unreachable_aws_stops_with_one_line(project, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert refusal(project).startswith("deploy: Could not connect to the endpoint URL")


STAGE_FILES = sorted(set((ROOT / "stages").glob("*.yaml")) - {ROOT / TAGS_FILE})


@pytest.mark.parametrize("file", STAGE_FILES, ids=lambda each: each.stem)
def test_the_file_of_a_stage_names_its_stage_and_only_texts(file):
    """SAM would write a boolean as `False`, which no parameter accepts."""
    parameters = yaml.safe_load(file.read_text())
    assert parameters["Stage"] == file.stem
    assert {type(value) for value in parameters.values()} == {str}
    assert read_parameters(file.stem, [])["Stage"] == file.stem
