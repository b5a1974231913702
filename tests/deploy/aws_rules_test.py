"""The template follows the rules of AWS that no linter knows, with any parameters."""

import pytest

from deploy.aws_rules import CHECKS
from tools.deploy.template import ResolvedTemplate

ISSUER, AUDIENCE = {"AuthIssuer": "https://login.example.com/"}, {"AuthAudience": "news"}
ZONE_A, ZONE_B = {"AvailabilityZoneA": "eu-central-1a"}, {"AvailabilityZoneB": "eu-central-1b"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda each: each.__name__)
def test_template_follows_the_rules_of_aws(project, check):
    assert list(check(project.sam())) == []


@pytest.mark.parametrize(
    ("parameters", "broken"),
    [
        ({}, []),
        (ISSUER | AUDIENCE | ZONE_A | ZONE_B, []),
        (ISSUER, ["Set both AuthIssuer and AuthAudience, or none"]),
        (AUDIENCE, ["Set both AuthIssuer and AuthAudience, or none"]),
        (ZONE_A, ["Set AvailabilityZoneA and AvailabilityZoneB to two different zones, or none"]),
        (ZONE_B, ["Set AvailabilityZoneA and AvailabilityZoneB to two different zones, or none"]),
        (
            ZONE_A | {"AvailabilityZoneB": "eu-central-1a"},
            ["Set AvailabilityZoneA and AvailabilityZoneB to two different zones, or none"],
        ),
    ],
)
def test_parameters_that_contradict_each_other_are_rejected(project, parameters, broken):
    assert ResolvedTemplate(project.sam(), **parameters).broken_rules == broken


def test_a_deployment_has_to_name_its_stage(project):
    assert "Default" not in project.template()["Parameters"]["Stage"]
