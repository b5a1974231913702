"""Trace ids: W3C and X-Ray headers are validated and logged."""

import pytest

from shared.lambda_adapter.handler import make_handler
from shared.observability.tracing import valid_traceparent, xray_root
from support.event_builders import Request, http_api_2
from support.log_lines import parse_request_log
from support.trace_headers import ROOT_ID, TRACE, TRACEPARENT, XRAY

# --- traces


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        (TRACEPARENT, TRACEPARENT),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACEPARENT),
        (f"01-{TRACE}-00f067aa0ba902b7-01", TRACEPARENT),
        (f"{TRACEPARENT}-more", ""),
        (f"{TRACEPARENT}x", ""),
        (f"01-{TRACE}-00f067aa0ba902b7-01x", ""),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", ""),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", ""),
        (f"00-{TRACE}-00f067aa0ba902b-017", ""),
        (f"00-{TRACE[:-1]}g-00f067aa0ba902b7-01", ""),
        ("00", ""),
        ("-" * 55, ""),
        ("", ""),
    ],
)
def test_a_valid_traceparent_is_accepted_and_an_invalid_one_ignored(header, valid):
    assert valid_traceparent(header) == valid


@pytest.mark.parametrize(
    ("header", "root"),
    [
        (XRAY, ROOT_ID),
        (f"Root={ROOT_ID}", ROOT_ID),
        (f"Self=1-67891234-12456789abcdef012345678;Root={ROOT_ID}", ROOT_ID),
        (f"Root=2{ROOT_ID[1:]}", ""),
        (f"Root={ROOT_ID}0", ""),
        (f"Root={ROOT_ID[:-1]}", ""),
        (f"Root={ROOT_ID[:-1]}g", ""),
        (f"Root={ROOT_ID.replace('e988-', 'e9880')}", ""),
        ("Root=", ""),
        ('Root="', ""),
        ("", ""),
    ],
)
def test_a_valid_xray_root_is_accepted_and_an_invalid_one_ignored(header, root):
    assert xray_root(header) == root


@pytest.mark.parametrize(
    ("headers", "trace_id", "traceparent"),
    [
        ({}, "", ""),
        ({"traceparent": TRACEPARENT}, TRACE, TRACEPARENT),
        ({"X-Amzn-Trace-Id": XRAY}, ROOT_ID, ""),
        ({"X-Amzn-Trace-Id": XRAY, "traceparent": TRACEPARENT}, ROOT_ID, TRACEPARENT),
        ({"X-Amzn-Trace-Id": "Root=x", "traceparent": "x"}, "", ""),
    ],
)
def test_a_record_has_the_trace_ids(log_of, headers, trace_id, traceparent):
    line = log_of("/health", headers=headers)
    assert (line["trace_id"], line["traceparent"]) == (trace_id, traceparent)


def test_on_lambda_the_trace_id_is_that_of_the_invocation(app, capsys, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", XRAY)
    event = http_api_2(Request(path="/health", headers=[("X-Amzn-Trace-Id", f"Root={ROOT_ID[:-1]}0")]))
    make_handler(app)(event, None)
    assert parse_request_log(capsys.readouterr().err)[0]["trace_id"] == ROOT_ID
