"""The Lambda adapter: from an event to the request that the app receives."""

import json

import pytest
from flask import Flask, Response, url_for

from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.event_builders import (
    Request,
    alb,
    alb_multi_value,
    function_url,
    http_api_1,
    http_api_2,
    parse_response,
    rest_api,
)
from support.sample_apps import CONTEXT

EXECUTE_API = "abc123.execute-api.eu-central-1.amazonaws.com"

mirror = make_handler(sample_apps.mirror_app())


def mirrored(event, handler=mirror):
    return json.loads(parse_response(handler(event, CONTEXT)).body)


def url_app():
    app = Flask("urls", static_folder=None)
    app.add_url_rule(
        "/news/<item>", "show", lambda item: Response(item, headers={"Location": url_for("show", item=item)})
    )
    app.add_url_rule("/", "root", lambda: url_for("root", _external=True))
    return app


@pytest.mark.parametrize(
    ("event", "base_path", "location"),
    [
        (http_api_2(Request(path="/news/1", host=EXECUTE_API)), "v1", "/news/1"),
        (http_api_2(Request(path="/news/1", host=EXECUTE_API), "dev"), "v1", "/dev/news/1"),
        (http_api_2(Request(path="/news/1"), "dev"), "", "/news/1"),
        (http_api_2(Request(path="/news/1"), "dev"), "shop/v1", "/shop/v1/news/1"),
        (http_api_2(Request(path="/news/1")), "news", "/news/news/1"),
        (http_api_1(Request(path="/news/1", host=EXECUTE_API)), "v1", "/news/1"),
        (http_api_1(Request(path="/news/1", host=EXECUTE_API), "dev"), "v1", "/dev/news/1"),
        (http_api_1(Request(path="/news/1"), "dev", mapping="/shop/v1"), "shop/v1", "/shop/v1/news/1"),
        (rest_api(Request(path="/news/1", host=EXECUTE_API), "dev"), "v1", "/dev/news/1"),
        (rest_api(Request(path="/news/1"), "dev"), "", "/news/1"),
        (rest_api(Request(path="/news/1"), "dev", mapping="/news"), "news", "/news/news/1"),
        (alb(Request(path="/news/1")), "", "/news/1"),
        (alb(Request(path="/v1/news/1")), "v1", "/v1/news/1"),
        (alb_multi_value(Request(path="/v1/news/1")), "/v1/", "/v1/news/1"),
        (function_url(Request(path="/news/1")), "news", "/news/1"),
    ],
)
def test_generated_urls_have_the_root_that_the_client_used(event, base_path, location):
    response = parse_response(make_handler(url_app(), base_path)(event, CONTEXT))
    assert (response.status, response.headers.get("location")) == (200, location)


@pytest.mark.parametrize("path", ["", "/"])
def test_the_root_of_a_stage_ends_with_a_slash(path):
    event = http_api_2(Request(path=path, host=EXECUTE_API), "dev")
    assert (
        parse_response(make_handler(url_app())(event, CONTEXT)).body == f"https://{EXECUTE_API}/dev/".encode()
    )


@pytest.mark.parametrize("base_path", ["dev", "v1"])
def test_a_prefix_is_stripped_only_as_a_whole_segment(base_path):
    handler = make_handler(sample_apps.mirror_app(), base_path)
    assert (
        mirrored(http_api_2(Request(path="/x", host=EXECUTE_API), "dev") | {"rawPath": "/devious"})["path"]
        == "/devious"
    )
    assert mirrored(rest_api(Request(path=f"/{base_path}ious")), handler)["path"] == f"/{base_path}ious"


@pytest.mark.parametrize("encode", [http_api_2, http_api_1])
def test_a_path_that_starts_with_the_default_stage_is_kept(encode):
    assert mirrored(encode(Request(path="/$default/x", host=EXECUTE_API)))["path"] == "/$default/x"


def test_environment_variables_of_serverless_wsgi_have_no_effect(monkeypatch):
    event = rest_api(Request(path="/v1/x", host=EXECUTE_API), "dev")
    before = mirrored(event)
    monkeypatch.setenv("API_GATEWAY_BASE_PATH", "v1")
    monkeypatch.setenv("STRIP_STAGE_PATH", "yes")
    assert mirrored(event) == before


def test_the_path_is_decoded_once(encode):
    assert mirrored(encode(Request(path="/a%2541%20%C3%A4%3Fb")))["path"] == "/a%41 ä?b"


def test_a_missing_host_defaults_to_the_domain_of_the_api():
    event = rest_api(Request(host=EXECUTE_API), "dev") | {"headers": None, "multiValueHeaders": None}
    assert mirrored(event)["url"] == f"https://{EXECUTE_API}/dev/"


@pytest.mark.parametrize(("protocol", "scheme"), [("http", "http"), ("https", "https"), ("gopher", "https")])
def test_the_scheme_is_that_of_the_client(protocol, scheme):
    event = alb(Request())
    event["headers"]["x-forwarded-proto"] = protocol
    assert mirrored(event)["url"] == f"{scheme}://api.example.com/"


def test_a_header_with_an_underscore_is_dropped(encode):
    event = encode(Request(headers=(("X-Probe", "right"), ("X_Probe", "forged"))))
    assert dict(mirrored(event)["headers"])["X-Probe"] == "right"


def test_header_names_that_differ_in_case_are_joined():
    event = rest_api(Request(headers=(("X-Probe", "1"), ("x-probe", "2"))))
    assert dict(mirrored(event)["headers"])["X-Probe"] == "1,2"


def test_single_value_header_names_that_differ_in_case_are_joined():
    event = rest_api(Request(headers=(("X-Probe", "1"), ("x-probe", "2")))) | {"multiValueHeaders": None}
    assert dict(mirrored(event)["headers"])["X-Probe"] == "1,2"


def test_content_length_is_the_length_of_the_body(encode):
    event = encode(Request(headers=(("Content-Length", "999"),)))
    assert dict(mirrored(event)["headers"])["Content-Length"] == "0"


def test_several_cookie_headers_are_joined():
    event = alb_multi_value(Request(headers=(("Cookie", "a=1"), ("Cookie", "b=2"))))
    assert mirrored(event)["cookies"] == [["a", "1"], ["b", "2"]]


def test_a_cookie_header_of_a_function_url_is_kept_without_a_cookie_list():
    event = function_url(Request())
    event["headers"]["cookie"] = "a=1"
    assert mirrored(event)["cookies"] == [["a", "1"]]


def test_a_header_value_that_is_not_a_string_is_converted(encode):
    event = encode(Request())
    if event.get("multiValueHeaders"):
        event["multiValueHeaders"] |= {"X-Number": [1, None], "X-Null": None}
    else:
        event["headers"] |= {"X-Number": 1, "X-Null": None}
    headers = dict(mirrored(event)["headers"])
    assert headers["X-Number"] in {"1", "1,"}
    assert "X-Null" not in headers


@pytest.mark.parametrize("size", [0, 100])
def test_a_chunked_body_is_complete(encode, size):
    headers = (("Transfer-Encoding", "chunked"), ("Content-Type", "image/png"))
    assert mirrored(encode(Request("POST", headers=headers, body=b"\xff" * size)))["body"] == "ff" * size


def test_null_or_missing_optional_fields_are_accepted(encode):
    event = encode(Request(path="/x", query="a=1", headers=(("Cookie", "a=1"),)))
    optional = set(event) - {"version", "rawPath", "path", "httpMethod", "requestContext"}
    assert mirrored(event | dict.fromkeys(optional))["path"] == "/x"
    assert mirrored({name: value for name, value in event.items() if name not in optional})["path"] == "/x"


@pytest.mark.parametrize("event", [rest_api(Request(path="/x")), http_api_1(Request(path="/x"))])
def test_a_null_request_context_is_accepted(event):
    assert mirrored(event | {"requestContext": None})["path"] == "/x"


def test_a_rest_query_with_single_values_only_is_kept():
    event = rest_api(Request(query="a=1&b=%26")) | {"multiValueQueryStringParameters": None}
    assert mirrored(event)["args"] == {"a": ["1"], "b": ["&"]}
