"""The request log on Lambda."""

import pytest

from shared.lambda_adapter.handler import make_handler
from support.event_builders import Request, http_api_2
from support.log_lines import metrics_in, parse_request_log
from support.sample_apps import CONTEXT


def invoke_lambda(app, capsys, event):
    """Return the status code of the Lambda response, and the one log record of the request."""
    capsys.readouterr()
    response = make_handler(app)(event, CONTEXT)
    [line] = parse_request_log(capsys.readouterr().err)
    assert line["request_id"] == "8c1f"
    return response["statusCode"], line


def test_a_malformed_event_is_logged(app, capsys):
    broken = http_api_2(Request()) | {"body": "%%%", "isBase64Encoded": True}
    status, line = invoke_lambda(app, capsys, broken)
    assert (status, line["status"], line["status_class"], line["route"]) == (400, 400, "4xx", "none")
    assert metrics_in(line)["requests"] == (1, {"route": "none", "status_class": "4xx"})


@pytest.mark.parametrize("view", [lambda: "a" * 7_000_000, lambda: (1 // 0 for _ in "a")])
def test_a_response_that_the_adapter_replaces_is_logged_with_the_final_status(app, capsys, view):
    """A response over the size limit, and one that fails while its body is read."""
    app.add_url_rule("/large", "x.large", view)
    status, line = invoke_lambda(app, capsys, http_api_2(Request(path="/large")))
    assert (status, line["status"], line["status_class"], line["route"]) == (500, 500, "5xx", "GET /large")
