"""The runbook, docs/operate.md: it has each alarm of template.yaml, and says of each what is to be said."""

import re
from typing import ClassVar

import pytest
import yaml

from shared.observability.metrics import CACHE, EVENT_COUNTERS, NAMESPACE
from support.environment import ROOT
from support.log_lines import FIELDS

RUNBOOK = (ROOT / "docs" / "operate.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in RUNBOOK.split("\n## ")[1:]}
OF_LAMBDA_AND_POWERTOOLS = {"logger", "exception", "exception_name", "errorType"}
NO_FIELDS = {
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
    """YAML with CloudFormation's short tags, as mere texts."""

    yaml_multi_constructors: ClassVar = {"!": lambda _loader, _tag, node: str(node.value)}


def section_of(name, properties):
    """An alarm of a function is there for each module, and has one section for all."""
    name = name.removesuffix("Alarm")
    return re.sub("^[A-Z][a-z]+", "Function", name) if properties.get("Namespace") == "AWS/Lambda" else name


ALARMS = {
    name: each["Properties"]
    for name, each in yaml.load((ROOT / "template.yaml").read_text(), Loader)["Resources"].items()
    if each["Type"] in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
}


def test_each_alarm_has_its_section_and_there_is_no_other():
    assert SECTIONS.keys() == {section_of(name, each) for name, each in ALARMS.items()}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_it_means_where_to_look_and_what_to_do(name):
    parts = re.findall(r"^\*\*(\w+)\*\*", SECTIONS[name], re.MULTILINE)
    assert parts == ["Means", "Look", "Do"]
    assert re.search(r"^ {4}(filter|stats) ", SECTIONS[name], re.MULTILINE), "no query"


def test_queries_name_fields_that_lines_have():
    known = FIELDS.keys() | set(CACHE.values()) | set(EVENT_COUNTERS) | OF_LAMBDA_AND_POWERTOOLS | NO_FIELDS
    for query in re.findall(r"^ {4}(filter .*)", RUNBOOK, re.MULTILINE):
        bare = re.sub(r'"[^"]*"|/[^/]*/|as \w+|@\w+|\b\d\w*', " ", query)
        aliases = set(re.findall(r"as (\w+)", query))
        assert set(re.findall(r"[a-z_]+", bare)) - aliases <= known, query


def test_metrics_that_alarms_watch_are_told_by_the_service():
    own = {
        each["MetricName"]
        for each in ALARMS.values()
        if str(each.get("Namespace")).startswith(f"{NAMESPACE}-")
    }
    assert own
    assert own <= set(CACHE.values()) | set(EVENT_COUNTERS)


def test_each_alarm_is_heard_through_one_of_the_two_that_tell():
    told = {name for name, each in ALARMS.items() if "AlarmActions" in each}
    assert told == {"ServiceAlarm", "DependencyAlarm"}
    rules = str(ALARMS["ServiceAlarm"]["AlarmRule"]) + str(ALARMS["DependencyAlarm"]["AlarmRule"])
    assert {name for name in ALARMS if f"{{{name}}}" in rules} == ALARMS.keys() - told
