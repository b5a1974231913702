"""Requests and responses are the same through gunicorn and through each source of HTTP events."""

import http.client
import os
import socket
import subprocess
import sys
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.lambda_adapter.handler import make_handler
from support import sample_apps
from support.environment import ROOT
from support.event_builders import ENCODERS, Request, Response, normalized_response, parse_response

mirror = make_handler(sample_apps.mirror_app())
responses = make_handler(sample_apps.responses_app())

RESPONSE_PATHS = [
    "/cookies",
    "/repeated",
    "/latin-1",
    "/gzip",
    "/stream",
    "/header",
    "/moved",
    "/status/204",
    "/status/304",
    "/status/418",
    "/nowhere",
    *(
        f"/type/{content_type}"
        for content_type in [
            "application/json",
            "application/problem+json",
            "application/x-ndjson",
            "text/html;charset=utf-8",
            "image/svg+xml",
            "image/png",
            "application/octet-stream",
        ]
    ),
]

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
paths = st.lists(text.map(lambda part: quote(part, safe="!$&'()*+,;=:@~")), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
queries = st.dictionaries(text, st.lists(text, min_size=1, max_size=3), max_size=4)
values = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=1, max_size=20)
fields = st.dictionaries(
    st.from_regex(r"X-[A-Za-z0-9]{1,8}", fullmatch=True), st.lists(values, min_size=1, max_size=2)
)
cookies = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.from_regex(r"[!#-+.-:<-~]*", fullmatch=True)
)
content_types = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", "image/png"]
)


@st.composite
def requests(draw, *, single_values):
    """Draw a request, with one value per name for sources that keep only one."""
    max_values = 1 if single_values else None
    query = [(name, value) for name, all_values in draw(queries).items() for value in all_values[:max_values]]
    headers = {name.lower(): (name, all_values) for name, all_values in draw(fields).items()}
    pairs = [(name, value) for name, all_values in headers.values() for value in all_values[:max_values]]
    if jar := draw(cookies):
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items())))
    body = draw(st.one_of(st.binary(max_size=64), text.map(str.encode), st.just(b"a=1&a=2&b=%C3%A4")))
    method = draw(st.sampled_from(["POST", "PUT", "DELETE"] if body else ["GET", "DELETE", "OPTIONS"]))
    if body:
        pairs.append(("Content-Type", draw(content_types)))
    return Request(
        method,
        draw(paths),
        urlencode(query),
        tuple(pairs),
        body,
        as_base64=not _is_text(body) or draw(st.booleans()),
    )


def _is_text(body):
    try:
        return bool(body.decode())
    except UnicodeDecodeError:
        return False


@pytest.fixture(scope="module")
def gunicorn():
    """Return a function that sends a request to a real gunicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--bind",
            f"fd://{listener.fileno()}",
            "support.sample_apps:app",
        ]
        command += ["--log-level", "warning", "--chdir", str(ROOT / "tests")]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], env=environment)
        address = listener.getsockname()
    try:
        yield lambda request: _send(address, request)
    finally:
        process.terminate()
        process.wait()


def _send(address, request) -> Response:
    connection = http.client.HTTPConnection(*address, timeout=10)
    target = request.path + ("?" + request.query if request.query else "")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.all_headers():
        connection.putheader(name, value.encode())
    connection.endheaders(request.body or None)
    response = connection.getresponse()
    received = normalized_response(response.status, response.getheaders(), response.read())
    connection.close()
    return received


def _as_text(received):
    """Decode the headers, which http.client reads as Latin-1."""
    headers = {name: value.encode("latin-1").decode() for name, value in received.headers.items()}
    return Response(received.status, headers, received.cookies, received.body)


@pytest.mark.parametrize("kind", ENCODERS)
@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_request_is_the_same_as_through_gunicorn(kind, gunicorn, data):
    request = data.draw(requests(single_values=kind == "load balancer"))
    assert parse_response(mirror(ENCODERS[kind](request), None)) == gunicorn(request)


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", RESPONSE_PATHS)
def test_any_response_is_the_same_as_through_gunicorn(path, method, kind, gunicorn):
    request = Request(method, path, headers=(("X-App", "responses"),))
    assert parse_response(responses(ENCODERS[kind](request), None)) == _as_text(gunicorn(request))
