"""The Lambda adapter: from the app's response to the format of the source."""

import pytest
from flask import Flask, Response

from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.event_builders import Request, alb, alb_multi_value, http_api_1, http_api_2, rest_api
from support.sample_apps import CONTEXT, handler_of


def test_a_response_always_has_a_body_and_an_encoding(encode):
    response = handler_of(lambda: ("", 204))(encode(Request()), CONTEXT)
    assert (response["statusCode"], response["body"], response["isBase64Encoded"]) == (204, "", False)


def test_payload_2_has_a_cookie_list_and_joined_headers():
    handler = make_handler(sample_apps.responses_app())
    response = handler(http_api_2(Request(path="/repeated")), CONTEXT)
    assert response["headers"]["Link"] == '</1>; rel="next", </0>; rel="prev"'
    assert response["headers"]["ETag"] == '"1"'
    assert [
        cookie.partition("=")[0] for cookie in handler(http_api_2(Request(path="/cookies")), None)["cookies"]
    ] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize("value", ["caf\u00e9", "caf\u00e9".encode().decode("latin-1")])
def test_a_header_in_latin_1_or_utf_8_becomes_the_same_text(value):
    response = handler_of(lambda: ("", 200, {"X-Name": value}))(http_api_2(Request()), CONTEXT)
    assert response["headers"]["X-Name"] == "caf\u00e9"


@pytest.mark.parametrize("encode", [rest_api, http_api_1, alb_multi_value])
def test_multi_value_sources_get_lists_only(encode):
    response = make_handler(sample_apps.responses_app())(encode(Request(path="/cookies")), CONTEXT)
    assert len(response["multiValueHeaders"]["Set-Cookie"]) == 3
    assert "headers" not in response


def test_a_single_value_load_balancer_gets_one_cookie_as_set_cookie():
    response = handler_of(lambda: ("", {"Set-Cookie": "a=1"}))(alb(Request()), CONTEXT)
    assert response["headers"]["Set-Cookie"] == "a=1"


def test_a_single_value_load_balancer_gets_each_cookie_in_its_own_casing():
    def view():
        response = Response()
        for number in range(40):
            response.set_cookie(f"c{number}", "1")
        return response

    response = handler_of(view)(alb(Request()), CONTEXT)
    cookies = {name: value for name, value in response["headers"].items() if name.lower() == "set-cookie"}
    assert sorted(cookies.values()) == sorted(f"c{number}=1; Path=/" for number in range(40))
    assert "multiValueHeaders" not in response


@pytest.mark.parametrize("encode", [alb, alb_multi_value])
@pytest.mark.parametrize(
    ("status", "description"), [(200, "200 OK"), (299, "299 UNKNOWN"), (404, "404 NOT FOUND")]
)
def test_a_load_balancer_gets_a_status_description(encode, status, description):
    assert handler_of(lambda: ("", status))(encode(Request()), CONTEXT)["statusDescription"] == description


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
def test_text_is_sent_as_text_and_other_media_types_as_base64(encode, content_type, is_text):
    handler = handler_of(lambda: Response("{}", headers={"Content-Type": content_type}))
    assert handler(encode(Request()), CONTEXT)["isBase64Encoded"] is not is_text


def test_text_with_a_content_encoding_is_sent_as_base64(encode):
    handler = handler_of(
        lambda: Response("{}", content_type="text/plain", headers={"Content-Encoding": "x-plain"})
    )
    assert handler(encode(Request()), CONTEXT)["isBase64Encoded"] is True


def test_a_wrong_content_length_is_corrected():
    handler = handler_of(lambda: Response("four", headers={"Content-Length": "999"}))
    assert handler(http_api_2(Request()), CONTEXT)["headers"]["Content-Length"] == "4"


def test_head_has_the_content_length_of_get():
    response = handler_of(lambda: "four")(http_api_2(Request("HEAD")), CONTEXT)
    assert (response["headers"]["Content-Length"], response["body"]) == ("4", "")


def test_the_body_of_a_304_is_dropped():
    app = Flask("raw", static_folder=None)
    app.wsgi_app = lambda _environ, start: start("304 NOT MODIFIED", []) and [b"body"]
    assert make_handler(app)(http_api_2(Request()), CONTEXT)["body"] == ""


def test_hop_by_hop_headers_are_dropped():
    handler = handler_of(
        lambda: Response("", headers={"Transfer-Encoding": "chunked", "Connection": "close"})
    )
    assert not {"Transfer-Encoding", "Connection"} & set(handler(http_api_2(Request()), CONTEXT)["headers"])


@pytest.mark.parametrize("failing", [False, True])
def test_the_response_iterable_is_closed(failing):
    closed = []

    def lines():
        yield b"one\n"
        if failing:
            raise ZeroDivisionError

    def view():
        response = Response(lines(), content_type="text/plain")
        response.call_on_close(lambda: closed.append(True))
        return response

    response = handler_of(view)(http_api_2(Request()), CONTEXT)
    assert response["statusCode"] == (500 if failing else 200)
    assert closed == [True]
