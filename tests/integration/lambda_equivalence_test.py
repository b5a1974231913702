"""Through gunicorn and every kind of event, Flask sees the same request and the client the same answer."""

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
from support.event_builders import ENCODERS, Got, Sent, got, got_from

mirror = make_handler(sample_apps.mirror_app())
answers = make_handler(sample_apps.answers_app())

ANSWERS = [
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
    """A request; where a source has one value for a name only, so has the request."""
    most = 1 if single_values else None
    query = [(name, value) for name, several in draw(queries).items() for value in several[:most]]
    headers = {name.lower(): (name, several) for name, several in draw(fields).items()}
    pairs = [(name, value) for name, several in headers.values() for value in several[:most]]
    if jar := draw(cookies):
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items())))
    body = draw(st.one_of(st.binary(max_size=64), text.map(str.encode), st.just(b"a=1&a=2&b=%C3%A4")))
    method = draw(st.sampled_from(["POST", "PUT", "DELETE"] if body else ["GET", "DELETE", "OPTIONS"]))
    if body:
        pairs.append(("Content-Type", draw(content_types)))
    return Sent(
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
    """A function that sends a request through a real gunicorn."""
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
        yield lambda sent: _send(address, sent)
    finally:
        process.terminate()
        process.wait()


def _send(address, sent) -> Got:
    connection = http.client.HTTPConnection(*address, timeout=10)
    target = sent.path + ("?" + sent.query if sent.query else "")
    connection.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in sent.fields():
        connection.putheader(name, value.encode())
    connection.endheaders(sent.body or None)
    answer = connection.getresponse()
    received = got(answer.status, answer.getheaders(), answer.read())
    connection.close()
    return received


def _as_text(received):
    """http.client reads a header as Latin-1; the events have it as text."""
    headers = {name: value.encode("latin-1").decode() for name, value in received.headers.items()}
    return Got(received.status, headers, received.cookies, received.body)


@pytest.mark.parametrize("kind", ENCODERS)
@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_request_is_seen_as_through_gunicorn(kind, gunicorn, data):
    sent = data.draw(requests(single_values=kind == "load balancer"))
    assert got_from(mirror(ENCODERS[kind](sent), None)) == gunicorn(sent)


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ANSWERS)
def test_any_answer_arrives_as_through_gunicorn(path, method, kind, gunicorn):
    sent = Sent(method, path, headers=(("X-App", "answers"),))
    assert got_from(answers(ENCODERS[kind](sent), None)) == _as_text(gunicorn(sent))
