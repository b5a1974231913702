"""The handler in Lambda's own runtime: the Runtime Interface Emulator, as Lambda's images ship it."""

import json
import subprocess
import sys
import urllib.error
from contextlib import ExitStack

import pytest

from support.environment import CLEAN, ROOT
from support.event_builders import ENCODERS, Sent, got_from, http_api_2
from support.lambda_emulator import invoke
from tools.local.lambda_runtime import packages, serving
from tools.local.processes import StartError

try:
    packages()
except StartError as error:
    pytestmark = pytest.mark.skip(reason=str(error))


@pytest.fixture
def served(tmp_path):
    """A function that serves a handler, and gives a function that sends it an event."""
    with ExitStack() as running:

        def serve(handler, **env):
            settings = {"PYTHONPATH": str(ROOT / "tests")} | env
            url = running.enter_context(serving(handler, env=settings, log=tmp_path / "log"))
            return lambda event: invoke(url, event)

        yield serve


def test_every_kind_of_event_is_answered(served):
    send = served("support.sample_apps.handler")
    for encode in ENCODERS.values():
        status, answer = send(encode(Sent("POST", "/%C3%A4", "a=1&b=%26", body=b"\xff\x00")))
        seen = json.loads(got_from(answer).body)
        assert status == 200
        assert (seen["path"], seen["args"], seen["body"]) == ("/ä", {"a": ["1"], "b": ["&"]}, "ff00")


def test_request_id_is_lambdas(served):
    _, answer = served("support.sample_apps.handler")(http_api_2(Sent()) | {"body": "\ud800"})
    assert answer["statusCode"] == 400
    assert len(json.loads(answer["body"])["request_id"]) == len("c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def test_event_that_is_no_http_request_fails_the_invocation(served):
    _, answer = served("support.sample_apps.handler")({"Records": [{"eventSource": "aws:sqs", "body": "x"}]})
    assert answer["errorType"] == "NotHttp"
    assert "SQS" in answer["errorMessage"]


@pytest.mark.parametrize("handler", ["no_such_module.handler", "support.sample_apps.no_such_handler"])
def test_import_error_fails_the_init(served, handler):
    status, answer = served(handler)(http_api_2(Sent()))
    assert status == 502
    assert answer["errorType"] in {"Runtime.ImportModuleError", "Runtime.HandlerNotFound"}


def test_wrong_setting_fails_the_init(served):
    status, answer = served("functions.news.handler", REDIS_URL="nonsense")(http_api_2(Sent(path="/health")))
    assert status == 502
    assert "REDIS_URL" in answer["errorMessage"]


def test_news_is_served(served):
    status, answer = served("functions.news.handler")(http_api_2(Sent(path="/health")))
    assert (status, answer["statusCode"]) == (200, 200)


def test_command_prints_how_to_invoke_and_stops_cleanly():
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
