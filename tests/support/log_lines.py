"""What a run prints, read as a machine would: lines of JSON, the fields of a request, and EMF's schema."""

import json

from jsonschema import Draft202012Validator

UNITS = "Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Bits|Percent|Count|None"

EMF = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 1_700_000_000_000},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "minItems": 0,
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                                        "Unit": {"type": "string", "pattern": f"^({UNITS})$"},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
"""The schema in the specification, with the rules of its text: see shared/observability/metrics.py."""

FIELDS = {
    "level": str,
    "message": str,
    "timestamp": str,
    "request_id": str,
    "trace_id": str,
    "traceparent": str,
    "module": str,
    "method": str,
    "route": str,
    "status": int,
    "status_class": str,
    "duration_ms": (int, float),
    "cache": (str, type(None)),
    "cold_start": bool,
    "dynamodb_calls": int,
    "dynamodb_capacity_units": (int, float),
    "requests": int,
    "_aws": dict,
}
"""What every request's line has."""


def lines_in(text):
    """The lines of JSON among others that a runtime prints."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def requests_in(text):
    """The lines of requests, each of which has all fields, and EMF that is valid."""
    found = [line for line in lines_in(text) if line["message"] == "request"]
    for line in found:
        check(line)
    return found


def check(line):
    Draft202012Validator(EMF).validate(line)
    for name, kind in FIELDS.items():
        assert isinstance(line[name], kind), (name, line)
    named = [name for name in line if name not in FIELDS]
    counted = metrics_of(line)
    assert set(named) <= set(counted), line
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            number = line[metric["Name"]]  # a target member is there, and a number
            assert isinstance(number, int | float), line
            assert not isinstance(number, bool), line
        for dimension in directive["Dimensions"][0]:
            assert isinstance(line[dimension], str), line
            assert 0 < len(line[dimension]) <= 1024, line


def metrics_of(line):
    """The metrics that CloudWatch makes of a line: by name, the value and what it is told by."""
    return {
        metric["Name"]: (line[metric["Name"]], {each: line[each] for each in directive["Dimensions"][0]})
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


def total(lines, name):
    """What CloudWatch would show for a metric of all routes."""
    return sum(metrics_of(line).get(name, (0, {}))[0] for line in lines)
