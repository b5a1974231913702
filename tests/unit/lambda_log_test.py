"""The Lambda adapter's log: each line has the request id of its invocation."""

import json
import logging

import pytest

from shared.lambda_adapter.events import NotHttp
from shared.lambda_adapter.handler import make_handler
from shared.observability.context import CURRENT_CONTEXT
from support.event_builders import Request, http_api_2
from support.log_lines import parse_log
from support.sample_apps import CONTEXT
from support.sample_news import news_app

TRACE_ID = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1")
    return news_app(log_json=True)


def log_lines(app, event, capsys):
    """Return the log lines of one invocation; assert that each has the request id."""
    capsys.readouterr()
    make_handler(app)(event, CONTEXT)
    lines = parse_log(capsys.readouterr().err)
    assert [line["request_id"] for line in lines] == ["8c1f"] * len(lines)
    return lines


def test_the_log_line_of_a_malformed_event_has_the_request_id(encode, app, capsys):
    event = encode(Request()) | {"body": "%%%", "isBase64Encoded": True}
    warning, _request = log_lines(app, event, capsys)
    assert (warning["level"], warning["logger"], warning["trace_id"]) == (
        "WARNING",
        "shared.lambda_adapter.handler",
        TRACE_ID,
    )


def test_the_log_line_of_an_invalid_method_has_the_request_id(app, capsys):
    event = http_api_2(Request(path="/health"))
    event["requestContext"]["http"]["method"] = "G E T"
    assert len(log_lines(app, event, capsys)) == 2


def test_the_log_line_of_a_response_over_the_limit_has_the_request_id(app, capsys):
    app.add_url_rule("/large", "large", lambda: "a" * 7_000_000)
    error, _request = log_lines(app, http_api_2(Request(path="/large")), capsys)
    assert (error["level"], error["trace_id"]) == ("ERROR", TRACE_ID)


def test_the_log_line_of_a_failure_in_a_streamed_body_has_the_request_id(app, capsys):
    app.add_url_rule("/failing", "failing", lambda: (1 // 0 for _ in "a"))
    error, _request = log_lines(app, http_api_2(Request(path="/failing")), capsys)
    assert "ZeroDivisionError" in error["exception"]


def test_the_log_line_of_a_library_has_the_request_id(app, capsys):
    def log(text):
        logging.getLogger("library").warning(text)
        return text

    @app.get("/lines")
    def lines():
        log("view")
        return (log(part) for part in ["body"])

    app.after_request(lambda response: log("hook") and response)
    written = [line["message"] for line in log_lines(app, http_api_2(Request(path="/lines")), capsys)]
    assert [text for text in written if text in {"view", "hook", "body"}] == ["view", "hook", "body"]


class LoggingEvent(dict):
    """An event that logs a line on each access."""

    def get(self, *args):
        logging.getLogger("library").warning("accessed")
        return super().get(*args)


def test_the_log_line_of_an_event_that_is_not_http_has_the_request_id(app, capsys):
    capsys.readouterr()
    with pytest.raises(NotHttp):
        make_handler(app)(LoggingEvent(Records=[{"eventSource": "aws:sqs"}]), CONTEXT)
    lines = parse_log(capsys.readouterr().err)
    assert {line["request_id"] for line in lines} == {"8c1f"}


@pytest.mark.parametrize(
    "event",
    [
        http_api_2(Request(path="/health")),
        http_api_2(Request()) | {"body": "\ud800"},
        {"source": "serverless-plugin-warmup"},
    ],
)
def test_the_request_id_ends_with_the_invocation(event, app, capsys):
    make_handler(app)(event, CONTEXT)
    assert CURRENT_CONTEXT.get(None) is None
    capsys.readouterr()
    logging.getLogger("library").warning("later")
    assert json.loads(capsys.readouterr().err).get("request_id") is None


def test_the_request_id_ends_with_a_failed_invocation(app):
    with pytest.raises(NotHttp):
        make_handler(app)({}, CONTEXT)
    assert CURRENT_CONTEXT.get(None) is None
