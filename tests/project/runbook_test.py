"""docs/runbook.md: each alarm of template.yaml has a section with its meaning, diagnosis and mitigation."""

import re
from typing import ClassVar

import pytest
import yaml

from shared.observability.metrics import CACHE_COUNTERS, EVENT_COUNTERS, NAMESPACE
from support.environment import ROOT
from support.log_lines import REQUEST_FIELDS

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in RUNBOOK.split("\n## ")[1:]}
LAMBDA_AND_LOG_FIELDS = {"logger", "exception", "exception_name", "errorType"}
QUERY_KEYWORDS = {
    "as",
    "by",
    "bin",
    "count",
    "sum",
    "avg",
    "pct",
    "desc",
    "in",
    "like",
    "sort",
    "stats",
    "fields",
    "filter",
}


class Loader(yaml.SafeLoader):
    """Loads YAML with CloudFormation's short tags as strings."""

    yaml_multi_constructors: ClassVar = {"!": lambda _loader, _tag, node: str(node.value)}


def section_of(name, properties):
    """Return the section of an alarm. The alarms of all functions share their sections."""
    name = name.removesuffix("Alarm")
    return re.sub("^[A-Z][a-z]+", "Function", name) if properties.get("Namespace") == "AWS/Lambda" else name


ALARMS = {
    name: resource["Properties"]
    for name, resource in yaml.load((ROOT / "template.yaml").read_text(), Loader)["Resources"].items()
    if resource["Type"] in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
}


def test_each_alarm_has_a_section_and_each_section_an_alarm():
    assert SECTIONS.keys() == {section_of(name, properties) for name, properties in ALARMS.items()}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_has_meaning_diagnosis_with_a_query_and_mitigation(name):
    parts = re.findall(r"^\*\*(\w+):\*\*", SECTIONS[name], re.MULTILINE)
    assert parts == ["Meaning", "Diagnose", "Mitigate"]
    assert re.search(r"^ {4}(filter|stats) ", SECTIONS[name], re.MULTILINE), "no query"


def test_queries_use_fields_that_log_records_have():
    metrics = set(CACHE_COUNTERS.values()) | set(EVENT_COUNTERS)
    known = REQUEST_FIELDS.keys() | metrics | LAMBDA_AND_LOG_FIELDS | QUERY_KEYWORDS
    for query in re.findall(r"^ {4,}(filter .*)", RUNBOOK, re.MULTILINE):
        bare = re.sub(r'"[^"]*"|/[^/]*/|as \w+|@\w+|\b\d\w*', " ", query)
        aliases = set(re.findall(r"as (\w+)", query))
        assert set(re.findall(r"[a-z_]+", bare)) - aliases <= known, query


def test_the_service_emits_the_metrics_of_its_alarms():
    own = {
        properties["MetricName"]
        for properties in ALARMS.values()
        if str(properties.get("Namespace")).startswith(f"{NAMESPACE}-")
    }
    assert own
    assert own <= set(CACHE_COUNTERS.values()) | set(EVENT_COUNTERS)


def test_only_the_two_composite_alarms_notify_and_they_cover_all_others():
    notifying = {name for name, properties in ALARMS.items() if "AlarmActions" in properties}
    assert notifying == {"ServiceAlarm", "DependencyAlarm"}
    rules = str(ALARMS["ServiceAlarm"]["AlarmRule"]) + str(ALARMS["DependencyAlarm"]["AlarmRule"])
    assert {name for name in ALARMS if f"{{{name}}}" in rules} == ALARMS.keys() - notifying
