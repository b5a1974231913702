"""The handler in the Lambda Runtime Interface Emulator, as in Lambda's container images."""

import json
import subprocess
import sys
import urllib.error
from contextlib import ExitStack

import pytest

from support.environment import CLEAN, ROOT
from support.event_builders import ENCODERS, Request, http_api_2, parse_response
from support.lambda_emulator import invoke
from tools.local.lambda_runtime import packages, serving
from tools.local.processes import StartError

try:
    packages()
except StartError as error:
    pytestmark = pytest.mark.skip(reason=str(error))


@pytest.fixture
def serve_handler(tmp_path):
    """Return a function that serves a handler and returns a function to send it events."""
    with ExitStack() as running:

        def serve(handler, **env):
            settings = {"PYTHONPATH": str(ROOT / "tests")} | env
            url = running.enter_context(serving(handler, env=settings, log=tmp_path / "log"))
            return lambda event: invoke(url, event)

        yield serve


def test_events_of_every_source_get_a_response(serve_handler):
    send = serve_handler("support.sample_apps.handler")
    for encode in ENCODERS.values():
        status, response = send(encode(Request("POST", "/%C3%A4", "a=1&b=%26", body=b"\xff\x00")))
        request = json.loads(parse_response(response).body)
        assert status == 200
        assert (request["path"], request["args"], request["body"]) == ("/ä", {"a": ["1"], "b": ["&"]}, "ff00")


def test_the_request_id_is_that_of_lambda(serve_handler):
    _, response = serve_handler("support.sample_apps.handler")(http_api_2(Request()) | {"body": "\ud800"})
    assert response["statusCode"] == 400
    assert len(json.loads(response["body"])["request_id"]) == len("c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def test_an_event_that_is_not_an_http_request_fails_the_invocation(serve_handler):
    _, response = serve_handler("support.sample_apps.handler")(
        {"Records": [{"eventSource": "aws:sqs", "body": "x"}]}
    )
    assert response["errorType"] == "NotHttp"
    assert "SQS" in response["errorMessage"]


@pytest.mark.parametrize("handler", ["no_such_module.handler", "support.sample_apps.no_such_handler"])
def test_an_import_error_fails_the_initialization(serve_handler, handler):
    status, response = serve_handler(handler)(http_api_2(Request()))
    assert status == 502
    assert response["errorType"] in {"Runtime.ImportModuleError", "Runtime.HandlerNotFound"}


def test_an_invalid_setting_fails_the_initialization(serve_handler):
    status, response = serve_handler("functions.news.handler", REDIS_URL="nonsense")(
        http_api_2(Request(path="/health"))
    )
    assert status == 502
    assert "REDIS_URL" in response["errorMessage"]


def test_the_news_function_responds(serve_handler):
    status, response = serve_handler("functions.news.handler")(http_api_2(Request(path="/health")))
    assert (status, response["statusCode"]) == (200, 200)


def test_the_command_prints_how_to_invoke_the_function_and_stops_cleanly():
    command = [sys.executable, "-m", "tools.local.lambda_runtime", "--handler", "support.sample_apps.handler"]
    env = CLEAN | {"PYTHONPATH": str(ROOT / "tests")}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        lines = iter(process.stdout.readline, "")
        hint = next(line for line in lines if "curl -d" in line)
        printed = subprocess.run(f"{hint.strip()} --silent", shell=True, capture_output=True, check=True)
        process.terminate()
        process.stdout.read()
        assert process.wait(timeout=30) == 0
    assert json.loads(printed.stdout)["statusCode"] == 200
    with pytest.raises(urllib.error.URLError):
        invoke(hint.split()[-1], {})
