"""The Lambda handler: what the app sees of an event."""

import json

import pytest
from flask import Flask, Response, url_for

from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.event_builders import (
    ENCODERS,
    Sent,
    alb,
    alb_multi_value,
    function_url,
    got_from,
    http_api_1,
    http_api_2,
    rest_api,
)
from support.sample_apps import CONTEXT

EXECUTE_API = "abc123.execute-api.eu-central-1.amazonaws.com"

mirror = make_handler(sample_apps.mirror_app())
every_kind = pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)


def seen(event, handler=mirror):
    return json.loads(got_from(handler(event, CONTEXT)).body)


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
        (http_api_2(Sent(path="/news/1", host=EXECUTE_API)), "v1", "/news/1"),
        (http_api_2(Sent(path="/news/1", host=EXECUTE_API), "dev"), "v1", "/dev/news/1"),
        (http_api_2(Sent(path="/news/1"), "dev"), "", "/news/1"),
        (http_api_2(Sent(path="/news/1"), "dev"), "shop/v1", "/shop/v1/news/1"),
        (http_api_2(Sent(path="/news/1")), "news", "/news/news/1"),
        (http_api_1(Sent(path="/news/1", host=EXECUTE_API)), "v1", "/news/1"),
        (http_api_1(Sent(path="/news/1", host=EXECUTE_API), "dev"), "v1", "/dev/news/1"),
        (http_api_1(Sent(path="/news/1"), "dev", mapping="/shop/v1"), "shop/v1", "/shop/v1/news/1"),
        (rest_api(Sent(path="/news/1", host=EXECUTE_API), "dev"), "v1", "/dev/news/1"),
        (rest_api(Sent(path="/news/1"), "dev"), "", "/news/1"),
        (rest_api(Sent(path="/news/1"), "dev", mapping="/news"), "news", "/news/news/1"),
        (alb(Sent(path="/news/1")), "", "/news/1"),
        (alb(Sent(path="/v1/news/1")), "v1", "/v1/news/1"),
        (alb_multi_value(Sent(path="/v1/news/1")), "/v1/", "/v1/news/1"),
        (function_url(Sent(path="/news/1")), "news", "/news/1"),
    ],
)
def test_url_is_the_one_that_the_client_used(event, base_path, location):
    answer = got_from(make_handler(url_app(), base_path)(event, CONTEXT))
    assert (answer.status, answer.headers.get("location")) == (200, location)


@pytest.mark.parametrize("path", ["", "/"])
def test_root_of_a_stage_has_a_slash(path):
    event = http_api_2(Sent(path=path, host=EXECUTE_API), "dev")
    assert got_from(make_handler(url_app())(event, CONTEXT)).body == f"https://{EXECUTE_API}/dev/".encode()


@pytest.mark.parametrize("base_path", ["dev", "v1"])
def test_prefix_is_stripped_at_the_end_of_a_segment_only(base_path):
    handler = make_handler(sample_apps.mirror_app(), base_path)
    assert (
        seen(http_api_2(Sent(path="/x", host=EXECUTE_API), "dev") | {"rawPath": "/devious"})["path"]
        == "/devious"
    )
    assert seen(rest_api(Sent(path=f"/{base_path}ious")), handler)["path"] == f"/{base_path}ious"


@pytest.mark.parametrize("encode", [http_api_2, http_api_1])
def test_path_that_begins_like_the_default_stage_stays(encode):
    assert seen(encode(Sent(path="/$default/x", host=EXECUTE_API)))["path"] == "/$default/x"


def test_prefixes_of_serverless_wsgi_in_the_environment_change_nothing(monkeypatch):
    event = rest_api(Sent(path="/v1/x", host=EXECUTE_API), "dev")
    before = seen(event)
    monkeypatch.setenv("API_GATEWAY_BASE_PATH", "v1")
    monkeypatch.setenv("STRIP_STAGE_PATH", "yes")
    assert seen(event) == before


@every_kind
def test_path_is_decoded_once(encode):
    assert seen(encode(Sent(path="/a%2541%20%C3%A4%3Fb")))["path"] == "/a%41 ä?b"


def test_missing_host_is_that_of_the_api():
    event = rest_api(Sent(host=EXECUTE_API), "dev") | {"headers": None, "multiValueHeaders": None}
    assert seen(event)["url"] == f"https://{EXECUTE_API}/dev/"


@pytest.mark.parametrize(("protocol", "scheme"), [("http", "http"), ("https", "https"), ("gopher", "https")])
def test_scheme_is_the_one_the_client_used(protocol, scheme):
    event = alb(Sent())
    event["headers"]["x-forwarded-proto"] = protocol
    assert seen(event)["url"] == f"{scheme}://api.example.com/"


@every_kind
def test_header_with_an_underscore_is_dropped(encode):
    event = encode(Sent(headers=(("X-Probe", "right"), ("X_Probe", "forged"))))
    assert dict(seen(event)["headers"])["X-Probe"] == "right"


def test_header_names_that_differ_in_case_are_one_name():
    event = rest_api(Sent(headers=(("X-Probe", "1"), ("x-probe", "2"))))
    assert dict(seen(event)["headers"])["X-Probe"] == "1,2"


def test_header_names_that_differ_in_case_are_one_name_among_single_values_too():
    event = rest_api(Sent(headers=(("X-Probe", "1"), ("x-probe", "2")))) | {"multiValueHeaders": None}
    assert dict(seen(event)["headers"])["X-Probe"] == "1,2"


@every_kind
def test_content_length_is_that_of_the_body(encode):
    event = encode(Sent(headers=(("Content-Length", "999"),)))
    assert dict(seen(event)["headers"])["Content-Length"] == "0"


def test_several_cookie_headers_are_joined():
    event = alb_multi_value(Sent(headers=(("Cookie", "a=1"), ("Cookie", "b=2"))))
    assert seen(event)["cookies"] == [["a", "1"], ["b", "2"]]


def test_cookie_header_of_a_function_url_stays_without_the_list():
    event = function_url(Sent())
    event["headers"]["cookie"] = "a=1"
    assert seen(event)["cookies"] == [["a", "1"]]


@every_kind
def test_header_that_is_no_string_is_made_one(encode):
    event = encode(Sent())
    if event.get("multiValueHeaders"):
        event["multiValueHeaders"] |= {"X-Number": [1, None], "X-Null": None}
    else:
        event["headers"] |= {"X-Number": 1, "X-Null": None}
    headers = dict(seen(event)["headers"])
    assert headers["X-Number"] in {"1", "1,"}
    assert "X-Null" not in headers


@every_kind
@pytest.mark.parametrize("size", [0, 100])
def test_chunked_body_is_whole(encode, size):
    headers = (("Transfer-Encoding", "chunked"), ("Content-Type", "image/png"))
    assert seen(encode(Sent("POST", headers=headers, body=b"\xff" * size)))["body"] == "ff" * size


@every_kind
def test_null_in_every_optional_field_is_tolerated(encode):
    event = encode(Sent(path="/x", query="a=1", headers=(("Cookie", "a=1"),)))
    optional = set(event) - {"version", "rawPath", "path", "httpMethod", "requestContext"}
    assert seen(event | dict.fromkeys(optional))["path"] == "/x"
    assert seen({name: value for name, value in event.items() if name not in optional})["path"] == "/x"


@pytest.mark.parametrize("event", [rest_api(Sent(path="/x")), http_api_1(Sent(path="/x"))])
def test_null_request_context_is_tolerated(event):
    assert seen(event | {"requestContext": None})["path"] == "/x"


def test_rest_query_without_multiple_values_is_kept():
    event = rest_api(Sent(query="a=1&b=%26")) | {"multiValueQueryStringParameters": None}
    assert seen(event)["args"] == {"a": ["1"], "b": ["&"]}
