"""The Lambda handler: what the source gets for the app's answer."""

import json

import pytest
from flask import Flask, Response, request

from shared.constants import REQUEST_ID
from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.event_builders import (
    ENCODERS,
    Sent,
    alb,
    alb_multi_value,
    function_url,
    http_api_1,
    http_api_2,
    rest_api,
)
from support.sample_apps import CONTEXT

LAMBDA_LIMIT = 6_291_556
ALB_LIMIT = 1024 * 1024

every_kind = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def serving(view):
    """A handler of an app whose only view is the one given."""
    app = Flask("one", static_folder=None)
    app.add_url_rule("/", "view", view)
    return make_handler(app)


@every_kind
def test_answer_has_body_and_encoding_always(encode):
    answer = serving(lambda: ("", 204))(encode(Sent()), CONTEXT)
    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (204, "", False)


def test_payload_2_has_a_list_of_cookies_and_joined_headers():
    handler = make_handler(sample_apps.answers_app())
    answer = handler(http_api_2(Sent(path="/repeated")), CONTEXT)
    assert answer["headers"]["Link"] == '</1>; rel="next", </0>; rel="prev"'
    assert answer["headers"]["ETag"] == '"1"'
    assert [
        cookie.partition("=")[0] for cookie in handler(http_api_2(Sent(path="/cookies")), None)["cookies"]
    ] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize("value", ["caf\u00e9", "caf\u00e9".encode().decode("latin-1")])
def test_header_in_latin_1_and_in_utf_8_goes_out_as_the_same_text(value):
    answer = serving(lambda: ("", 200, {"X-Name": value}))(http_api_2(Sent()), CONTEXT)
    assert answer["headers"]["X-Name"] == "caf\u00e9"


@pytest.mark.parametrize("encode", [rest_api, http_api_1, alb_multi_value])
def test_multi_value_sources_get_lists_and_no_single_headers(encode):
    answer = make_handler(sample_apps.answers_app())(encode(Sent(path="/cookies")), CONTEXT)
    assert len(answer["multiValueHeaders"]["Set-Cookie"]) == 3
    assert "headers" not in answer


def test_single_value_load_balancer_gets_every_cookie_under_a_spelling_of_its_own():
    def view():
        answer = Response()
        for number in range(40):
            answer.set_cookie(f"c{number}", "1")
        return answer

    answer = serving(view)(alb(Sent()), CONTEXT)
    names = [name for name in answer["headers"] if name.lower() == "set-cookie"]
    assert names[0] == "Set-Cookie"
    assert len(names) == 40
    assert "multiValueHeaders" not in answer


@pytest.mark.parametrize("encode", [alb, alb_multi_value])
@pytest.mark.parametrize(
    ("status", "description"), [(200, "200 OK"), (299, "299 UNKNOWN"), (404, "404 NOT FOUND")]
)
def test_load_balancer_gets_a_status_description(encode, status, description):
    assert serving(lambda: ("", status))(encode(Sent()), CONTEXT)["statusDescription"] == description


@every_kind
@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("application/json", True),
        ("application/problem+json", True),
        ("application/x-ndjson", True),
        ("Text/CSV; header=present", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_text_goes_out_as_text_and_everything_else_as_base64(encode, content_type, is_text):
    handler = serving(lambda: Response("{}", headers={"Content-Type": content_type}))
    assert handler(encode(Sent()), CONTEXT)["isBase64Encoded"] is not is_text


@every_kind
def test_encoded_text_goes_out_as_base64(encode):
    handler = serving(
        lambda: Response("{}", content_type="text/plain", headers={"Content-Encoding": "x-plain"})
    )
    assert handler(encode(Sent()), CONTEXT)["isBase64Encoded"] is True


def test_wrong_content_length_is_put_right():
    handler = serving(lambda: Response("four", headers={"Content-Length": "999"}))
    assert handler(http_api_2(Sent()), CONTEXT)["headers"]["Content-Length"] == "4"


def test_content_length_of_head_is_that_of_get():
    answer = serving(lambda: "four")(http_api_2(Sent("HEAD")), CONTEXT)
    assert (answer["headers"]["Content-Length"], answer["body"]) == ("4", "")


def test_body_is_dropped_where_http_allows_none():
    app = Flask("raw", static_folder=None)
    app.wsgi_app = lambda _environ, start: start("304 NOT MODIFIED", []) and [b"body"]
    assert make_handler(app)(http_api_2(Sent()), CONTEXT)["body"] == ""


def test_hop_by_hop_headers_are_left_to_the_source():
    handler = serving(lambda: Response("", headers={"Transfer-Encoding": "chunked", "Connection": "close"}))
    assert not {"Transfer-Encoding", "Connection"} & set(handler(http_api_2(Sent()), CONTEXT)["headers"])


@pytest.mark.parametrize("failing", [False, True])
def test_iterable_is_closed(failing):
    closed = []

    def lines():
        yield b"one\n"
        if failing:
            raise ZeroDivisionError

    def view():
        answer = Response(lines(), content_type="text/plain")
        answer.call_on_close(lambda: closed.append(True))
        return answer

    answer = serving(view)(http_api_2(Sent()), CONTEXT)
    assert answer["statusCode"] == (500 if failing else 200)
    assert closed == [True]


def problem(answer):
    assert dict(answer["headers"])["Content-Type"] == "application/problem+json"
    return json.loads(answer["body"])


def test_exception_outside_flasks_handlers_gets_a_problem_and_a_log_line(caplog):
    app = Flask("broken", static_folder=None)
    app.wsgi_app = lambda _environ, _start: 1 / 0
    answer = make_handler(app)(http_api_2(Sent()), CONTEXT)
    assert problem(answer) == {
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Internal server error. Quote request_id when you report it.",
        "request_id": "8c1f",
        "type": "about:blank",
    }
    assert answer["statusCode"] == 500
    assert "request 8c1f failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("value", ["日本", "a\x00b"])
def test_header_that_http_can_not_carry_gets_a_500(value, caplog):
    answer = serving(lambda: Response("", headers={"X-Name": value}))(http_api_2(Sent()), CONTEXT)
    assert problem(answer)["status"] == 500
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
def test_answer_over_the_limit_gets_a_500_and_one_within_it_doesnt(encode, limit, character, caplog):
    def length(body):
        handler = serving(lambda: Response(body, content_type="text/plain"))
        answer = handler(encode(Sent()), CONTEXT)
        return answer["statusCode"], len(json.dumps(answer, ensure_ascii=False).encode())

    around = length("")[1] + len("1000000")  # Content-Length has more digits for the long ones
    fits = "a" * ((limit - around - 8) % 2) + character * ((limit - around - 8) // 2)
    if character == "a":
        fits = "a" * (limit - around - 8)
    status, size = length(fits)
    assert status == 200
    assert limit - 32 < size <= limit
    assert not caplog.records
    assert length(fits + "a" * 32)[0] == 500
    assert f"request 8c1f failed: the answer is over the limit of {limit} bytes" in caplog.text


def test_request_without_a_context_has_an_id_of_its_own():
    handler = serving(lambda: request.environ[REQUEST_ID])
    one, other = (handler(http_api_2(Sent()), None)["body"] for _ in range(2))
    assert one
    assert one != other
