"""Responses that Lambda cannot return become a problem."""

import json

import pytest
from flask import Flask, Response, request

from shared.constants import REQUEST_ID
from shared.lambda_adapter.handler import make_handler
from support.event_builders import (
    Request,
    alb,
    alb_multi_value,
    function_url,
    http_api_1,
    http_api_2,
    rest_api,
)
from support.sample_apps import CONTEXT, handler_of

LAMBDA_LIMIT = 6_291_556
ALB_LIMIT = 1024 * 1024


def problem(response):
    assert dict(response["headers"])["Content-Type"] == "application/problem+json"
    return json.loads(response["body"])


def test_an_exception_outside_flask_gets_a_500_problem_and_a_log_line(caplog):
    app = Flask("broken", static_folder=None)
    app.wsgi_app = lambda _environ, _start: 1 / 0
    response = make_handler(app)(http_api_2(Request()), CONTEXT)
    assert problem(response) == {
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Internal server error. Quote request_id when you report it.",
        "request_id": "8c1f",
        "type": "about:blank",
    }
    assert response["statusCode"] == 500
    assert "request 8c1f failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("value", ["日本", "a\x00b"])
def test_an_invalid_response_header_gets_a_500_problem(value, caplog):
    response = handler_of(lambda: Response("", headers={"X-Name": value}))(http_api_2(Request()), CONTEXT)
    assert problem(response)["status"] == 500
    assert "request 8c1f failed" in caplog.text


@pytest.mark.parametrize(
    ("encode", "limit"),
    [
        *((encode, LAMBDA_LIMIT) for encode in (http_api_2, http_api_1, rest_api, function_url)),
        (alb, ALB_LIMIT),
        (alb_multi_value, ALB_LIMIT),
    ],
)
@pytest.mark.parametrize("character", ["a", "\n", "ä"])
def test_a_response_over_the_limit_gets_a_500_and_one_below_does_not(encode, limit, character, caplog):
    def length(body):
        handler = handler_of(lambda: Response(body, content_type="text/plain"))
        response = handler(encode(Request()), CONTEXT)
        return response["statusCode"], len(json.dumps(response, ensure_ascii=False).encode())

    around = length("")[1] + len("1000000")  # Content-Length has more digits for the long ones
    fits = "a" * ((limit - around - 8) % 2) + character * ((limit - around - 8) // 2)
    if character == "a":
        fits = "a" * (limit - around - 8)
    status, size = length(fits)
    assert status == 200
    assert limit - 32 < size <= limit
    assert not caplog.records
    assert length(fits + "a" * 32)[0] == 500
    assert f"request 8c1f failed: the response exceeds the limit of {limit} bytes" in caplog.text


def test_a_request_without_a_context_gets_its_own_request_id():
    handler = handler_of(lambda: request.environ[REQUEST_ID])
    one, other = (handler(http_api_2(Request()), None)["body"] for _ in range(2))
    assert one
    assert one != other
