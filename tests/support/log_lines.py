"""Parsers for the JSON log: records, the fields of a request, and the schema of EMF."""

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
"""The JSON schema of the EMF specification, with its textual rules. See shared/observability/metrics.py."""

REQUEST_FIELDS = {
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
"""The fields of every request record, with their types."""


def parse_log(text):
    """Return the JSON records of a log, which may contain other lines."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def parse_request_log(text):
    """Return the request records of a log. Assert that each has all fields and valid EMF."""
    records = [record for record in parse_log(text) if record["message"] == "request"]
    for record in records:
        assert_valid(record)
    return records


def assert_valid(record):
    Draft202012Validator(EMF).validate(record)
    for name, expected in REQUEST_FIELDS.items():
        assert isinstance(record[name], expected), (name, record)
    other_fields = record.keys() - REQUEST_FIELDS.keys()
    assert other_fields <= metrics_in(record).keys(), record
    for directive in record["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            value = record[metric["Name"]]  # a target member exists and is a number
            assert isinstance(value, int | float), record
            assert not isinstance(value, bool), record
        for dimension in directive["Dimensions"][0]:
            assert isinstance(record[dimension], str), record
            assert 0 < len(record[dimension]) <= 1024, record


def metrics_in(record):
    """Return the metrics that CloudWatch extracts from a record, as {name: (value, dimensions)}."""
    return {
        metric["Name"]: (record[metric["Name"]], {name: record[name] for name in directive["Dimensions"][0]})
        for directive in record["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


def sum_metric(records, name):
    """Return the sum that CloudWatch shows for a metric of all routes."""
    return sum(metrics_in(record).get(name, (0, {}))[0] for record in records)
